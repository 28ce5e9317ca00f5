import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from './thread-files.js';

let folder: string;
let root: string;
let files: ThreadFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-tree-'));
  root = join(folder, 'thread');
  mkdirSync(join(root, 'server'), { recursive: true });
  mkdirSync(join(folder, 'outside'));
  files = new ThreadFiles(root);
});

afterEach(() => rmSync(folder, { recursive: true }));

const at = (path: string) => join(root, path);

describe('A folder that is made with all that is in it', () => {
  it('has its files and links, and folders for them, for its owner only', async () => {
    await files.makeTree('server/made', {
      top: { text: 'one' },
      'a/b/deep': { text: 'two' },
      'a/link': { link: '/anywhere' },
    });
    expect(readFileSync(at('server/made/top'), 'utf8')).toBe('one');
    expect(readFileSync(at('server/made/a/b/deep'), 'utf8')).toBe('two');
    expect(readlinkSync(at('server/made/a/link'))).toBe('/anywhere');
    const modes = ['server/made', 'server/made/a/b', 'server/made/top'].map((path) => statSync(at(path)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  it('takes the place of nothing: what has its name stays as it was', async () => {
    mkdirSync(at('server/made'));
    symlinkSync(join(folder, 'outside'), at('server/link'));
    for (const name of ['made', 'link'])
      await expect(files.makeTree(`server/${name}`, { file: { text: 'x' } })).rejects.toMatchObject({ code: 'EEXIST' });
    expect([readdirSync(at('server/made')), readdirSync(join(folder, 'outside'))]).toEqual([[], []]);
  });

  it.each(['../file', 'a/../../file', '/file', 'a//file', ''])(
    'has no entry %j, which leads out of it',
    async (path) => {
      await expect(files.makeTree('server/made', { [path]: { text: 'x' } })).rejects.toThrow(TypeError);
      expect(existsSync(at('server/made'))).toBe(false);
    },
  );
});

describe('An entry that gets another name', () => {
  it('takes the place of whatever has that name', async () => {
    for (const name of ['one', 'two']) {
      mkdirSync(at(`server/${name}`));
      writeFileSync(at(`server/${name}/${name}`), '');
    }
    await files.rename('server/one', 'two');
    expect([readdirSync(at('server')), readdirSync(at('server/two'))]).toEqual([['two'], ['one']]);
    writeFileSync(at('server/file'), '');
    await files.rename('server/two', 'file');
    expect([readdirSync(at('server')), readdirSync(at('server/file'))]).toEqual([['file'], ['one']]);
  });

  it('is not followed if it is a link', async () => {
    symlinkSync(join(folder, 'outside'), at('server/link'));
    await files.rename('server/link', 'moved');
    expect(readlinkSync(at('server/moved'))).toBe(join(folder, 'outside'));
    expect(existsSync(join(folder, 'outside'))).toBe(true);
  });

  it('may be missing', async () => {
    await files.rename('server/missing', 'other');
    await files.rename('missing/one', 'other');
    expect(readdirSync(root)).toEqual(['server']);
  });
});

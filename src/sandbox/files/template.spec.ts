import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../__fixtures__/as-nobody.js';
import { inspectTemplate } from './template.js';
import { ThreadFolderStore } from './thread-folders.js';

let folder: string;
let template: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-template-'));
  template = join(folder, 'template');
  mkdirSync(join(template, 'below'), { recursive: true });
  writeFileSync(join(template, 'below', 'file'), 'text');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dataDirectory = () => join(folder, 'data');
const inspect = () => inspectTemplate(template, dataDirectory());
const prepare = (home = false) =>
  new ThreadFolderStore({
    dataDirectory: dataDirectory(),
    workspaceTemplate: home ? undefined : template,
    homeTemplate: home ? template : undefined,
  }).prepare('one', ['.claude', '.codex']);

describe('A template', () => {
  it('is copied without entries that would never end, and reports them', async () => {
    execFileSync('mkfifo', [join(template, 'fifo'), join(template, 'below', 'fifo')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(template, 'S.gpg-agent'), resolve));
    expect(inspect().problem).toBeUndefined();
    expect(inspect().skipped.toSorted()).toEqual(['S.gpg-agent', 'below/fifo', 'fifo']);
    const { workspace } = await prepare();
    server.close();
    expect(readdirSync(workspace)).toEqual(['below']);
    expect(readdirSync(join(workspace, 'below'))).toEqual(['file']);
  });

  it('is copied with its links as they are, also those that lead in a circle, out of it, or nowhere', async () => {
    const links = { loop: 'loop', up: '..', out: '/etc', nowhere: '/nowhere/at/all', device: '/dev/zero' };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(template, name));
    expect(inspect()).toEqual({ problem: undefined, skipped: [] });
    const { workspace } = await prepare();
    for (const [name, target] of Object.entries(links)) expect(readlinkSync(join(workspace, name))).toBe(target);
  });

  it('may be a link itself', async () => {
    const real = template;
    template = join(folder, 'link');
    symlinkSync(real, template);
    expect(inspect().problem).toBeUndefined();
    const { workspace } = await prepare();
    expect(lstatSync(workspace).isDirectory()).toBe(true);
    expect(readFileSync(join(workspace, 'below', 'file'), 'utf8')).toBe('text');
  });

  it('may have folders that nobody may write to, and the thread can be removed all the same', async () => {
    await asNobody(folder, async () => {
      execFileSync('cp', ['-r', template, join(folder, 'own')]);
      template = join(folder, 'own');
      chmodSync(join(template, 'below'), 0o500);
      chmodSync(template, 0o500);
      const { workspace } = await prepare();
      writeFileSync(join(workspace, 'works'), '');
      const options = { dataDirectory: dataDirectory(), workspaceTemplate: undefined, homeTemplate: undefined };
      await new ThreadFolderStore(options).remove('one');
      expect(readdirSync(join(dataDirectory(), 'threads'))).toEqual([]);
      chmodSync(template, 0o700);
    });
  });

  it.each([
    ['a file', 'below/file', 0, 'below/file'],
    ['a folder', 'below', 0, 'below'],
    ['what is in a folder', 'below', 0o400, 'below/file'],
  ])(
    'of which %s cannot be read is refused, with its name, and leaves nothing of a thread',
    async (_, name, rights, told) => {
      await asNobody(folder, async () => {
        execFileSync('cp', ['-r', template, join(folder, 'own')]);
        template = join(folder, 'own');
        chmodSync(join(template, name), rights);
        expect(inspect().problem).toBe(`has an entry that cannot be read: ${told}`);
        await expect(prepare()).rejects.toThrow('EACCES');
        expect(readdirSync(join(dataDirectory(), 'threads'))).toEqual([]);
        chmodSync(join(template, name), 0o700);
      });
    },
  );

  it('is refused when it is missing, not a folder, or contains the data folder', () => {
    expect(inspectTemplate(join(folder, 'nowhere'), dataDirectory()).problem).toBe('cannot be read (ENOENT)');
    expect(inspectTemplate(join(template, 'below', 'file'), dataDirectory()).problem).toBe('must be a folder');
    expect(inspectTemplate(folder, dataDirectory()).problem).toContain('must not hold CHIRON_DATA_DIR');
    expect(inspectTemplate('/', dataDirectory()).problem).toContain('must not hold CHIRON_DATA_DIR');
    expect(inspectTemplate(template, join(folder, 'template-data')).problem).toBeUndefined();
  });

  it('of a home may have links in the place of the agents’ own folders, as a ConfigMap has', async () => {
    mkdirSync(join(template, '..2024', '.claude'), { recursive: true });
    writeFileSync(join(template, '..2024', '.claude', 'settings.json'), '{}');
    symlinkSync('..2024', join(template, '..data'));
    symlinkSync('..data/.claude', join(template, '.claude'));
    const { home } = await prepare(true);
    expect(lstatSync(join(home, '.claude')).isDirectory()).toBe(true);
    expect(readFileSync(join(home, '.claude', 'settings.json'), 'utf8')).toBe('{}');
    expect(existsSync(join(home, '.codex'))).toBe(true);
  });
});

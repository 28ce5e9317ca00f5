// Over 250 lines: each thing that an agent can put in the place of a file, for each thing that the server does with one.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../__fixtures__/as-nobody.js';
import { ThreadFileError, ThreadFiles } from './thread-files.js';

const SECRET = 'a secret of the server';
let folder: string;
let root: string;
let secret: string;
let files: ThreadFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-files-'));
  root = join(folder, 'thread');
  secret = join(folder, 'outside', 'secret');
  mkdirSync(join(folder, 'outside'));
  writeFileSync(secret, SECRET);
  mkdirSync(join(root, 'workspace'), { recursive: true });
  files = new ThreadFiles(root);
});

afterEach(() => {
  // No entry of the secret's folder is ever changed.
  expect([readFileSync(secret, 'utf8'), readdirSync(join(folder, 'outside'))]).toEqual([SECRET, ['secret']]);
  rmSync(folder, { recursive: true, force: true });
});

const at = (path: string) => join(root, path);

/** The handles that this process has of what is below the folder. */
function openHandles(): readonly string[] {
  return readdirSync('/proc/self/fd').filter((handle) => {
    const link = join('/proc/self/fd', handle);
    // The one by which these are listed is closed by now.
    return lstatSync(link, { throwIfNoEntry: false }) !== undefined && readlinkSync(link).startsWith(folder);
  });
}

/** What is no file of the thread, and how an agent puts it there. */
const PLANTED: readonly (readonly [string, (path: string) => unknown])[] = [
  ['a link to a file elsewhere', (path) => symlinkSync(secret, path)],
  ['a link to a file that is not there', (path) => symlinkSync(join(folder, 'outside', 'new'), path)],
  ['a link to itself', (path) => symlinkSync('file', path)],
  ['a link to a device without an end', (path) => symlinkSync('/dev/zero', path)],
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdirSync(path)],
];

describe.each(PLANTED)('In the place of a file, %s', (_, plant) => {
  beforeEach(() => plant(at('workspace/file')));

  it('is not read', async () => {
    await expect(files.readText('workspace/file', 100)).rejects.toThrow(ThreadFileError);
    await expect(files.read('workspace/file', 100, { otherNames: true })).rejects.toThrow(ThreadFileError);
  });

  it('is not added to, and not shortened', async () => {
    await expect(files.append('workspace/file', 'more')).rejects.toThrow(ThreadFileError);
    await expect(files.truncate('workspace/file', 0)).rejects.toThrow(ThreadFileError);
  });

  it('gives way to a file that is written, for its owner only', async () => {
    await files.write('workspace/file', 'new');
    expect(lstatSync(at('workspace/file')).isFile()).toBe(true);
    expect(readFileSync(at('workspace/file'), 'utf8')).toBe('new');
    expect(statSync(at('workspace/file')).mode & 0o777).toBe(0o600);
    expect(readdirSync(at('workspace'))).toEqual(['file']);
  });

  it('is reported as no file, and is removed itself', async () => {
    expect((await files.stat('workspace/file'))?.kind).not.toBe('file');
    await files.remove('workspace/file');
    expect(readdirSync(at('workspace'))).toEqual([]);
  });
});

describe.each(PLANTED.slice(0, 5))('In the place of a folder, %s', (_, plant) => {
  beforeEach(() => plant(at('file')));

  it('is not entered', async () => {
    await expect(files.readText('file/secret', 100)).rejects.toThrow(ThreadFileError);
    await expect(files.append('file/secret', 'more')).rejects.toThrow(ThreadFileError);
    await expect(files.stat('file/secret')).rejects.toThrow(ThreadFileError);
    await expect(files.list('file', 10)).rejects.toThrow(ThreadFileError);
    await expect(files.remove('file/secret')).rejects.toThrow(ThreadFileError);
  });

  it('is set aside for one that is made, and for a file that is written in it', async () => {
    await files.makeFolder('file');
    expect(lstatSync(at('file')).isDirectory()).toBe(true);
    expect(readdirSync(root).toSorted()).toEqual([expect.stringMatching(/^\.file\./), 'file', 'workspace']);
    rmSync(at('file'), { recursive: true });
    plant(at('file'));
    await files.write('file/below/secret', 'new');
    expect(readFileSync(at('file/below/secret'), 'utf8')).toBe('new');
    expect(lstatSync(at('file/below')).mode & 0o777).toBe(0o700);
  });
});

describe('ThreadFiles', () => {
  it('reads an existing file, and `undefined` for a missing one', async () => {
    writeFileSync(at('workspace/file'), 'text');
    expect(await files.readText('workspace/file', 4)).toBe('text');
    expect(await files.readText('workspace/other', 4)).toBeUndefined();
    expect(await files.readText('nowhere/file', 4)).toBeUndefined();
    expect(await files.stat('nowhere')).toBeUndefined();
    expect(await files.list('nowhere', 4)).toEqual([]);
    await expect(files.remove('nowhere/at/all')).resolves.toBeUndefined();
    expect(await new ThreadFiles(join(folder, 'none')).readText('file', 4)).toBeUndefined();
  });

  it('reads no more than it is allowed to, from either end', async () => {
    writeFileSync(at('workspace/file'), '0123456789');
    await expect(files.readText('workspace/file', 9)).rejects.toThrow('is too long');
    expect(await files.read('workspace/file', 4)).toEqual({ bytes: Buffer.from('0123'), offset: 0, size: 10 });
    const end = await files.read('workspace/file', 4, { from: 'end' });
    expect(end).toEqual({ bytes: Buffer.from('6789'), offset: 6, size: 10 });
    // A terabyte without a block on the disk.
    truncateSync(at('workspace/file'), 2 ** 40);
    expect(await files.read('workspace/file', 4)).toEqual({ bytes: Buffer.from('0123'), offset: 0, size: 2 ** 40 });
  });

  it('refuses a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at('workspace/file'), resolve));
    await expect(files.readText('workspace/file', 100)).rejects.toThrow(ThreadFileError);
    server.close();
  });

  it('reads a file with a second name only where that is allowed', async () => {
    linkSync(secret, at('workspace/file'));
    await expect(files.readText('workspace/file', 100)).rejects.toThrow('has a second name');
    const part = await files.read('workspace/file', 100, { otherNames: true });
    expect(part?.bytes.toString()).toBe(SECRET);
  });

  it('changes only its own copy of a file with a second name', async () => {
    linkSync(secret, at('workspace/file'));
    await files.append('workspace/file', '!');
    expect(readFileSync(at('workspace/file'), 'utf8')).toBe(`${SECRET}!`);
    rmSync(at('workspace/file'));
    linkSync(secret, at('workspace/file'));
    await files.truncate('workspace/file', 1);
    expect(readFileSync(at('workspace/file'), 'utf8')).toBe('a');
    rmSync(at('workspace/file'));
    linkSync(secret, at('workspace/file'));
    await files.write('workspace/file', 'new');
    expect(readFileSync(at('workspace/file'), 'utf8')).toBe('new');
    expect(readdirSync(at('workspace'))).toEqual(['file']);
  });

  it('does not create a file that is missing', async () => {
    await expect(files.append('workspace/file', 'text')).rejects.toThrow(ThreadFileError);
    expect(existsSync(at('workspace/file'))).toBe(false);
  });

  it('follows no link in the place of the thread itself', async () => {
    renameSync(root, join(folder, 'moved'));
    symlinkSync('outside', root);
    await expect(files.readText('secret', 100)).rejects.toThrow(ThreadFileError);
    await expect(files.write('secret', 'new')).rejects.toThrow(ThreadFileError);
    await expect(files.makeFolder('new')).rejects.toThrow(ThreadFileError);
  });

  it.each(['../outside/secret', 'workspace/../../outside/secret', '/etc/passwd', '', '.', 'workspace/', 'a\0b'])(
    'takes %j for no path',
    async (path) => {
      await expect(files.readText(path, 100)).rejects.toThrow(TypeError);
      await expect(files.write(path, 'new')).rejects.toThrow(TypeError);
      await expect(files.remove(path)).rejects.toThrow(TypeError);
    },
  );

  it('never blocks, however many FIFOs are read at once', async () => {
    for (let index = 0; index < 20; index += 1) execFileSync('mkfifo', [at(`workspace/${index}`)]);
    const reads = Array.from({ length: 20 }, (_, index) => files.readText(`workspace/${index}`, 100));
    const outcomes = await Promise.allSettled(reads);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
  });

  it('lists no more of a folder than it is asked for', async () => {
    for (let index = 0; index < 20; index += 1) writeFileSync(at(`workspace/${index}`), '');
    expect(await files.list('workspace', 5)).toHaveLength(5);
    expect(await files.list('workspace', 50)).toHaveLength(20);
  });

  it('distinguishes a folder from another one that took its name', async () => {
    const before = await files.stat('workspace');
    expect(await files.stat('workspace')).toEqual(before);
    renameSync(at('workspace'), at('old'));
    mkdirSync(at('workspace'));
    expect((await files.stat('workspace'))?.inode).not.toBe(before?.inode);
  });

  it('leaves no handle open', async () => {
    writeFileSync(at('workspace/file'), 'text');
    symlinkSync(secret, at('workspace/link'));
    for (let round = 0; round < 50; round += 1) {
      await files.readText('workspace/file', 100);
      await files.readText('workspace/link', 100).catch(() => undefined);
      await files.readText('workspace/file/below', 100).catch(() => undefined);
      await files.list('workspace', 1);
      await files.write('workspace/new', 'text');
      await files.append('workspace/new', 'text');
      await files.remove('workspace/new');
    }
    expect(openHandles()).toEqual([]);
  });

  it('gives its owner back what it needs of folders and files that were closed', async () => {
    execFileSync('chown', ['-R', 'nobody', root]);
    await asNobody(folder, async () => {
      mkdirSync(at('workspace/closed/below'), { recursive: true });
      writeFileSync(at('workspace/closed/below/file'), 'text');
      chmodSync(at('workspace/closed/below/file'), 0);
      chmodSync(at('workspace/closed/below'), 0o500);
      chmodSync(at('workspace/closed'), 0);
      expect(await files.readText('workspace/closed/below/file', 100)).toBe('text');
      await files.append('workspace/closed/below/file', '!');
      await files.write('workspace/closed/below/other', 'new');
      expect(await files.readText('workspace/closed/below/file', 100)).toBe('text!');
    });
  });
});

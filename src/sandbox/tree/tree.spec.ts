import { execFileSync } from 'node:child_process';
import {
  chmodSync,
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
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TreeReader } from './tree-reader.js';
import { TreeWriter } from './tree-writer.js';
import { type TreeEntry, walkTree } from './walk-tree.js';

let root: string;
let thread: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chiron-tree-'));
  thread = join(root, 'thread');
  mkdirSync(join(thread, 'workspace'), { recursive: true });
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const own = (...names: readonly string[]) => join(thread, 'workspace', ...names);

async function entriesOf(path = 'workspace'): Promise<readonly TreeEntry[]> {
  const entries: TreeEntry[] = [];
  await walkTree(thread, path, (entry) => void entries.push(entry));
  return entries;
}
const pathsOf = async (path?: string) => (await entriesOf(path)).map((entry) => entry.path);

describe(walkTree, () => {
  it('gives folders before what is in them, sorted, with permissions, times and where links lead', async () => {
    mkdirSync(own('src'));
    writeFileSync(own('src', 'run.sh'), 'echo hi');
    chmodSync(own('src', 'run.sh'), 0o751);
    const past = new Date('2020-02-02T02:02:02.250Z');
    utimesSync(own('src', 'run.sh'), past, past);
    symlinkSync('../nowhere', own('link'));
    const entries = await entriesOf();
    expect(entries.map(({ path, kind }) => [path, kind])).toEqual([
      ['workspace', 'folder'],
      ['workspace/link', 'link'],
      ['workspace/src', 'folder'],
      ['workspace/src/run.sh', 'file'],
    ]);
    expect(entries[1]).toMatchObject({ target: '../nowhere', size: 0 });
    expect(entries[3]).toMatchObject({ mode: 0o751, modifiedMs: past.getTime(), size: 7, target: '' });
  });

  it('looks at nothing behind a link, also not behind one in the place of the folder itself', async () => {
    mkdirSync(join(root, 'secret'));
    writeFileSync(join(root, 'secret', 'key'), 'k');
    symlinkSync(join(root, 'secret'), own('linked'));
    expect(await pathsOf()).toEqual(['workspace', 'workspace/linked']);
    symlinkSync(join(root, 'secret'), join(thread, 'home'));
    expect(await pathsOf('home')).toEqual([]);
  });

  it('passes over FIFOs, and finds nothing where nothing is', async () => {
    execFileSync('mkfifo', [own('pipe')]);
    expect(await pathsOf()).toEqual(['workspace']);
    expect(await pathsOf('home')).toEqual([]);
  });

  it('leaves out what is in a folder that its caller does not want', async () => {
    mkdirSync(own('cache', 'deep'), { recursive: true });
    const seen: string[] = [];
    await walkTree(thread, 'workspace', ({ path }) => {
      seen.push(path);
      return !path.endsWith('/cache');
    });
    expect(seen).toEqual(['workspace', 'workspace/cache']);
  });

  it('counts folders that are nested too deeply', async () => {
    mkdirSync(own(...Array.from({ length: 210 }, () => 'd')), { recursive: true });
    expect(await walkTree(thread, 'workspace', () => true)).toEqual({ tooDeep: 1 });
  });

  it('stamps a file anew when only its contents have changed', async () => {
    writeFileSync(own('file'), 'one');
    const [, before] = await entriesOf();
    const { atime, mtime } = statSync(own('file'));
    // The clock of a disk may tick every ten milliseconds only.
    await expect
      .poll(async () => {
        writeFileSync(own('file'), 'two');
        utimesSync(own('file'), atime, mtime);
        return (await entriesOf())[1]?.stamp;
      })
      .not.toBe(before?.stamp);
  });
});

describe(TreeReader, () => {
  it('reads parts of files, and finds neither links nor what is gone', async () => {
    writeFileSync(own('file'), '0123456789');
    writeFileSync(join(root, 'key'), 'secret');
    symlinkSync(join(root, 'key'), own('link'));
    symlinkSync(root, own('folder'));
    const reader = new TreeReader(thread);
    const read = (path: string) => reader.withFile(path, (file) => file.read(2, 3));
    expect((await read('workspace/file'))?.toString()).toBe('234');
    expect(await read('workspace/link')).toBeUndefined();
    expect(await read('workspace/folder/key')).toBeUndefined();
    expect(await read('workspace/gone')).toBeUndefined();
    const failing = reader.withFile('workspace/file', () => Promise.reject(new Error('the store is away')));
    await expect(failing).rejects.toThrow('the store is away');
    await reader.close();
  });
});

describe(TreeWriter, () => {
  let writer: TreeWriter;

  beforeEach(() => {
    writer = new TreeWriter(thread);
  });

  afterEach(() => writer.close());

  it('writes files in parts, folders and links, with permissions and times', async () => {
    const modifiedMs = Date.parse('2020-02-02T02:02:02.250Z');
    await writer.makeFolder('workspace/src');
    await writer.makeFile('workspace/src/run.sh', 10);
    await writer.makeFile('workspace/other', 3);
    await writer.writePart('workspace/src/run.sh', Buffer.from('89'), 8);
    await writer.writePart('workspace/other', Buffer.from('abc'), 0);
    await writer.writePart('workspace/src/run.sh', Buffer.from('012'), 0);
    await writer.makeLink('workspace/link', '../nowhere');
    await writer.finish({ path: 'workspace/link', kind: 'link', mode: 0o777, modifiedMs });
    await writer.finish({ path: 'workspace/src/run.sh', kind: 'file', mode: 0o6755, modifiedMs });
    await writer.finish({ path: 'workspace/src', kind: 'folder', mode: 0o550, modifiedMs });
    expect(readFileSync(own('src', 'run.sh'), 'latin1')).toBe('012\0\0\0\0\x0089');
    expect(readFileSync(own('other'), 'utf8')).toBe('abc');
    expect(readlinkSync(own('link'))).toBe('../nowhere');
    // No program gets the rights of its file's owner.
    expect(lstatSync(own('src', 'run.sh')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(own('src')).mode & 0o7777).toBe(0o550);
    for (const path of [own('link'), own('src'), own('src', 'run.sh')])
      expect(lstatSync(path).mtimeMs).toBe(modifiedMs);
    chmodSync(own('src'), 0o700);
  });

  it('never writes through a link, and over nothing', async () => {
    mkdirSync(join(root, 'outside'));
    writeFileSync(join(root, 'outside', 'file'), 'old');
    await writer.makeLink('workspace/way', join(root, 'outside'));
    await writer.makeLink('workspace/file', join(root, 'outside', 'file'));
    await expect(writer.makeFile('workspace/way/new', 1)).rejects.toThrow('not a folder');
    await expect(writer.writePart('workspace/way/file', Buffer.from('x'), 0)).rejects.toThrow('not a folder');
    await expect(writer.makeFile('workspace/file', 1)).rejects.toThrow('EEXIST');
    await expect(writer.writePart('workspace/file', Buffer.from('x'), 0)).rejects.toThrow('ELOOP');
    await expect(writer.makeFolder('workspace/way')).rejects.toThrow('EEXIST');
    expect(readdirSync(join(root, 'outside'))).toEqual(['file']);
    expect(readFileSync(join(root, 'outside', 'file'), 'utf8')).toBe('old');
  });

  it('stays in the folder that it began with, whatever takes its name', async () => {
    await writer.makeFile('workspace/one', 0);
    renameSync(own(), join(thread, 'moved'));
    symlinkSync(root, own());
    await writer.makeFile('workspace/two', 0);
    expect(readdirSync(join(thread, 'moved')).toSorted()).toEqual(['one', 'two']);
  });
});

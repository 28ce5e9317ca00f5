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
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyEntries } from './copy-tree.js';
import { openFolder } from './folder-handle.js';

let root: string;
let from: string;
let to: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chiron-copy-'));
  [from, to] = [join(root, 'from'), join(root, 'to')];
  for (const folder of [from, to]) mkdirSync(folder);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

async function copy(): Promise<number> {
  const [source, target] = await Promise.all([openFolder(from), openFolder(to)]);
  try {
    return await copyEntries(source, target);
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

describe(copyEntries, () => {
  it('copies files, folders and links, with modes and times', async () => {
    const past = new Date('2020-02-02T02:02:02Z');
    mkdirSync(join(from, 'src', 'deep'), { recursive: true });
    writeFileSync(join(from, 'src', 'deep', 'run.sh'), 'echo hi');
    chmodSync(join(from, 'src', 'deep', 'run.sh'), 0o751);
    symlinkSync('../nowhere', join(from, 'src', 'link'));
    utimesSync(join(from, 'src', 'deep', 'run.sh'), past, past);
    chmodSync(join(from, 'src', 'deep'), 0o550);
    utimesSync(join(from, 'src'), past, past);

    expect(await copy()).toBe(0);
    const copied = join(to, 'src', 'deep', 'run.sh');
    expect(readFileSync(copied, 'utf8')).toBe('echo hi');
    expect([mode(copied), mode(join(to, 'src', 'deep'))]).toEqual(['751', '550']);
    expect([statSync(copied).mtime, statSync(join(to, 'src')).mtime]).toEqual([past, past]);
    expect(readlinkSync(join(to, 'src', 'link'))).toBe('../nowhere');
    chmodSync(join(to, 'src', 'deep'), 0o750);
    chmodSync(join(from, 'src', 'deep'), 0o750);
  });

  it('follows no link, be it to a file or to a folder', async () => {
    mkdirSync(join(root, 'secret'));
    writeFileSync(join(root, 'secret', 'key'), 'k');
    symlinkSync(join(root, 'secret'), join(from, 'folder'));
    symlinkSync(join(root, 'secret', 'key'), join(from, 'file'));
    await copy();
    expect(['folder', 'file'].map((name) => lstatSync(join(to, name)).isSymbolicLink())).toEqual([true, true]);
    expect(readlinkSync(join(to, 'folder'))).toBe(join(root, 'secret'));
  });

  it('passes over a FIFO, on which a reader would wait for ever', async () => {
    execFileSync('mkfifo', [join(from, 'pipe')]);
    writeFileSync(join(from, 'file'), 'x');
    await copy();
    expect(readdirSync(to)).toEqual(['file']);
  });

  it('makes an own file of a hard link, so that the copies do not change with each other', async () => {
    writeFileSync(join(from, 'one'), 'same');
    execFileSync('ln', [join(from, 'one'), join(from, 'two')]);
    await copy();
    writeFileSync(join(to, 'one'), 'changed');
    expect(['one', 'two'].map((name) => readFileSync(join(from, name), 'utf8'))).toEqual(['same', 'same']);
    expect(readFileSync(join(to, 'two'), 'utf8')).toBe('same');
  });

  it('copies more entries than it opens at once', async () => {
    for (let index = 0; index < 100; index += 1) writeFileSync(join(from, `${index}`), `${index}`);
    await copy();
    expect(readdirSync(to)).toHaveLength(100);
    expect(readFileSync(join(to, '77'), 'utf8')).toBe('77');
  });

  it('keeps the holes of a file, which would fill the disk otherwise', async () => {
    const file = join(from, 'disk.img');
    writeFileSync(file, 'start');
    truncateSync(file, 200 * 1024 * 1024);
    await copy();
    const { size, blocks } = statSync(join(to, 'disk.img'));
    expect(size).toBe(200 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(4 * 1024 * 1024);
    expect(readFileSync(join(to, 'disk.img')).subarray(0, 6).toString()).toBe('start\0');
  });

  it('counts folders that are nested too deeply and leaves them out', async () => {
    mkdirSync(join(from, ...Array.from({ length: 210 }, () => 'd')), { recursive: true });
    expect(await copy()).toBe(1);
    expect(existsSync(join(to, ...Array.from({ length: 200 }, () => 'd')))).toBe(true);
    expect(existsSync(join(to, ...Array.from({ length: 201 }, () => 'd')))).toBe(false);
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderLock } from './data-folder-lock.js';

describe(DataFolderLock.name, () => {
  let folder: string;
  let data: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-lock-'));
    data = join(folder, 'made', 'with its parents');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('locks a data folder for one server, and for the next one after a release', async () => {
    const [first, second] = [new DataFolderLock(data), new DataFolderLock(data)];
    expect(await first.acquire()).toBe(true);
    expect(await second.acquire()).toBe(false);
    await first.release();
    expect(await second.acquire()).toBe(true);
    await second.release();
  });

  it('is the same lock for every path to the folder', async () => {
    const first = new DataFolderLock(data);
    await first.acquire();
    symlinkSync(data, join(folder, 'link'));
    for (const path of [join(folder, 'link'), `${data}/../with its parents/`]) {
      expect(await new DataFolderLock(path).acquire()).toBe(false);
    }
    await first.release();
  });

  it('detects that its file was removed, and locks a new one unless another server has done so', async () => {
    const [first, second] = [new DataFolderLock(data), new DataFolderLock(data)];
    await first.acquire();
    rmSync(join(data, 'chiron.lock'));
    expect(await first.ensureHeld()).toBe(true);
    expect(await second.acquire()).toBe(false);
    rmSync(join(data, 'chiron.lock'));
    expect(await second.acquire()).toBe(true);
    expect(await first.ensureHeld()).toBe(false);
    await second.release();
  });

  it.each([
    ['below a device', '/dev/null/data', 'ENOTDIR'],
    ['below /proc, where no folder can be created', '/proc/nowhere/data', 'ENOENT'],
    ['with a name that is too long', `/tmp/${'x'.repeat(300)}`, 'ENAMETOOLONG'],
  ])('names the reason why a folder %s cannot be used', async (_, path, code) => {
    await expect(new DataFolderLock(path).acquire()).rejects.toMatchObject({ code });
  });

  it('names the reason why its file cannot be used', async () => {
    mkdirSync(join(folder, 'odd', 'chiron.lock'), { recursive: true });
    await expect(new DataFolderLock(join(folder, 'odd')).acquire()).rejects.toMatchObject({ code: 'EISDIR' });
    mkdirSync(join(folder, 'linked'));
    writeFileSync(join(folder, 'precious'), 'text');
    symlinkSync(join(folder, 'precious'), join(folder, 'linked', 'chiron.lock'));
    await expect(new DataFolderLock(join(folder, 'linked')).acquire()).rejects.toMatchObject({ code: 'ELOOP' });
  });
});

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

  it('lets one server have a data folder, and the next one when it gives it back', async () => {
    const [first, second] = [new DataFolderLock(data), new DataFolderLock(data)];
    expect(await first.take()).toBe(true);
    expect(await second.take()).toBe(false);
    await first.release();
    expect(await second.take()).toBe(true);
    await second.release();
  });

  it('is the same lock by every path', async () => {
    const first = new DataFolderLock(data);
    await first.take();
    symlinkSync(data, join(folder, 'link'));
    for (const path of [join(folder, 'link'), `${data}/../with its parents/`]) {
      expect(await new DataFolderLock(path).take()).toBe(false);
    }
    await first.release();
  });

  it('notices that its file was removed, and takes the new one unless another server has it', async () => {
    const [first, second] = [new DataFolderLock(data), new DataFolderLock(data)];
    await first.take();
    rmSync(join(data, 'chiron.lock'));
    expect(await first.keep()).toBe(true);
    expect(await second.take()).toBe(false);
    rmSync(join(data, 'chiron.lock'));
    expect(await second.take()).toBe(true);
    expect(await first.keep()).toBe(false);
    await second.release();
  });

  it.each([
    ['below a device', '/dev/null/data', 'ENOTDIR'],
    ['below /proc, where no folder can be made', '/proc/nowhere/data', 'ENOENT'],
    ['with a name that is too long', `/tmp/${'x'.repeat(300)}`, 'ENAMETOOLONG'],
  ])('says why a folder %s cannot be used', async (_, path, code) => {
    await expect(new DataFolderLock(path).take()).rejects.toMatchObject({ code });
  });

  it('says why its file cannot be used', async () => {
    mkdirSync(join(folder, 'odd', 'chiron.lock'), { recursive: true });
    await expect(new DataFolderLock(join(folder, 'odd')).take()).rejects.toMatchObject({ code: 'EISDIR' });
    mkdirSync(join(folder, 'linked'));
    writeFileSync(join(folder, 'precious'), 'text');
    symlinkSync(join(folder, 'precious'), join(folder, 'linked', 'chiron.lock'));
    await expect(new DataFolderLock(join(folder, 'linked')).take()).rejects.toMatchObject({ code: 'ELOOP' });
  });
});

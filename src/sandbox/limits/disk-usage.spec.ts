import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureDisk } from './disk-usage.js';

const MB = 1_000_000;

describe('the bytes of a folder', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-disk-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, bytes = MB) => writeFileSync(join(folder, name), Buffer.alloc(bytes, 'x'));

  it('are those of its files at any depth', async () => {
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    write('a/b/file');
    write('file');
    const bytes = await measureDisk(folder);
    expect(bytes).toBeGreaterThanOrEqual(2 * MB);
    expect(bytes).toBeLessThan(2.2 * MB);
  });

  it('count a file with two names once, and nothing behind a link', async () => {
    write('file');
    linkSync(join(folder, 'file'), join(folder, 'same'));
    symlinkSync('/usr', join(folder, 'usr'));
    symlinkSync('.', join(folder, 'loop'));
    expect(await measureDisk(folder)).toBeLessThan(1.2 * MB);
  });

  it('are not counted to the end once they are enough', async () => {
    mkdirSync(join(folder, 'a'));
    mkdirSync(join(folder, 'a', 'b'));
    write('file');
    write('a/b/file', 5 * MB);
    const bytes = await measureDisk(folder, MB / 2);
    expect(bytes).toBeGreaterThan(MB / 2);
    expect(bytes).toBeLessThan(5 * MB);
  });

  it('are 0 for a folder that is not there, or is a link', async () => {
    symlinkSync('/usr', join(folder, 'usr'));
    expect(await measureDisk(join(folder, 'none'))).toBe(0);
    expect(await measureDisk(join(folder, 'usr'))).toBe(0);
  });
});

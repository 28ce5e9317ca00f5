import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTreeState } from './tree-state.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chiron-template-'));
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(folder, 'deep', 'er', 'file'), 'text');
});
afterEach(() => rm(folder, { recursive: true }));

const read = () => readTreeState([folder, undefined]);

describe('The state of a template', () => {
  it('is the same as long as nothing changes', async () => {
    expect(await read()).toBe(await read());
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ['a file is written to', () => appendFile(join(folder, 'deep', 'er', 'file'), '!')],
    ['a file comes', () => writeFile(join(folder, 'deep', 'new'), '')],
    ['a link comes that leads nowhere', () => symlink('nowhere', join(folder, 'link'))],
    ['a file goes', () => rm(join(folder, 'deep', 'er', 'file'))],
  ])('is another one when %s', async (_what, change) => {
    const before = await read();
    await change();
    expect(await read()).not.toBe(before);
  });

  it('follows a link that is the template itself, and tells that there is none', async () => {
    const link = `${folder}-link`;
    const missing = await readTreeState([link]);
    await symlink(folder, link);
    const before = await readTreeState([link]);
    await appendFile(join(folder, 'deep', 'er', 'file'), '!');
    const after = await readTreeState([link]);
    await rm(link);
    expect(new Set([missing, before, after]).size).toBe(3);
  });
});

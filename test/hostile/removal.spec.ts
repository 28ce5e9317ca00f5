import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hostile, removeFolders, skipReason, startHostile } from './support.js';

describe.skipIf(skipReason !== undefined)('A thread', () => {
  let hostile: Hostile;

  beforeAll(async () => {
    hostile = await startHostile('claude-code');
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  it.each([
    [
      'with 3,000 nested folders',
      // A shell would take minutes: it looks up each folder's whole path.
      `perl -e 'for (1..3000) { mkdir "d" or die; chdir "d" or die }'`,
    ],
    [
      'with nested folders of long names',
      `n=$(printf 'n%.0s' $(seq 200)); i=0; while [ $i -lt 200 ]; do mkdir $n && cd -P $n || break; i=$((i+1)); done; true`,
    ],
    ['with a folder that nobody may write to', 'mkdir -p go/pkg/mod/x; echo a > go/pkg/mod/x/a; chmod -R a-w go'],
    ['with folders that nobody may enter', 'mkdir -p a/b/c; chmod 0 a/b/c a/b a . ..'],
    ['with many files', 'mkdir many; cd many; seq 5000 | xargs touch'],
    ['with odd entries', 'mkfifo fifo; ln -s / root; ln -s loop loop; mkdir -- "-rf"; touch "$(printf "a\\nb")"'],
  ])('%s is removed whole', async (name, make) => {
    const { thread: folder } = await hostile.paths(name);
    await hostile.run(name, make);
    expect(await hostile.remove(name)).toBe(200);
    expect(existsSync(folder)).toBe(false);
    const left = await readdir(join(folder, '..'));
    expect(left.filter((each) => each.startsWith('.'))).toEqual([]);
    expect(await hostile.remove(name)).toBe(404);
  });

  it.each([
    ['removed its workspace', 'rm -rf "$PWD"'],
    ['removed its home', 'rm -rf "$HOME"'],
    ['removed all of its folders', 'rm -rf ../workspace ../home ../tmp ../server'],
    ['closed its workspace', 'chmod 0 .'],
    ['made its workspace read-only', 'chmod 500 .'],
    ['closed its home', 'chmod 0 ~ ~/.claude'],
    ['put a link in the place of its workspace', 'mv "$PWD" ../moved; ln -s moved ../workspace'],
    ['put a file in the place of its temporary folder', 'rm -rf ../tmp; touch ../tmp'],
  ])('works in its next turn after its agent %s', async (name, damage) => {
    const { workspace } = await hostile.paths(name);
    await hostile.run(name, damage);
    const { status, text } = await hostile.run(name, 'pwd -P; echo works > file; cat file');
    expect({ status, text }).toEqual({ status: 200, text: expect.stringContaining(`${workspace}\\nworks`) });
  });
});

describe.skipIf(skipReason !== undefined)('A process that waits for the next turn', () => {
  it('is not used again when its workspace is gone', async () => {
    const hostile = await startHostile('claude-code', { CHIRON_MAX_WARM_HARNESSES: '8' });
    const { workspace } = await hostile.paths('warm');
    for (const damage of ['rm -rf "$PWD"', 'mv "$PWD" ../moved', 'mv "$PWD" ../again; mkdir "$PWD"']) {
      await hostile.run('warm', damage);
      const { text } = await hostile.run('warm', 'pwd -P; echo works > file; cat file');
      expect(text).toContain(`${workspace}\\nworks`);
    }
    await hostile.close();
    await removeFolders();
  });
});

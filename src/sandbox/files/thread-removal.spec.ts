import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../__fixtures__/as-nobody.js';
import { ThreadFolderStore } from './thread-folders.js';

/** Only root can make something that an ordinary user cannot remove from a folder of its own. */
const isRoot = process.getuid?.() === 0;
if (!isRoot)
  process.stderr.write('Skipped what needs the folder of another user, because the tests do not run as root.\n');
let folder: string;
let threads: string;
let store: ThreadFolderStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-removal-'));
  threads = join(folder, 'data', 'threads');
  store = new ThreadFolderStore({
    dataDirectory: join(folder, 'data'),
    workspaceTemplate: undefined,
    homeTemplate: undefined,
  });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Makes nested folders with a file in each, whose path is longer than any program could name. */
function nest(workspace: string, depth: number): void {
  for (let index = 0; index < depth; index += 1) {
    const next = join(workspace, String(index));
    mkdirSync(next);
    writeFileSync(join(next, 'file'), '');
    // From the inside out: what there is becomes the only folder of the next one.
    if (index > 0) renameSync(join(workspace, String(index - 1)), join(next, 'a-name-of-some-length'));
  }
}

function giveAway(path: string): void {
  execFileSync('chown', ['-R', 'nobody', path]);
}

describe('A removal', () => {
  it('removes all of a thread and nothing of another', async () => {
    await store.prepare('one');
    await store.prepare('two');
    await store.remove('one');
    expect(readdirSync(threads)).toEqual(['two']);
  });

  it('does nothing for a thread without folders', async () => {
    await expect(store.remove('one')).resolves.toBeUndefined();
  });

  it.each<[string, (workspace: string) => unknown]>([
    ['folders that are nested too deep for a path', (workspace) => nest(workspace, 3000)],
    [
      'folders that not even their owner may write to, as Go’s module cache has them',
      (workspace) => {
        mkdirSync(join(workspace, 'go/pkg/mod'), { recursive: true });
        writeFileSync(join(workspace, 'go/pkg/mod/file'), '');
        execFileSync('chmod', ['-R', 'a-w', join(workspace, 'go')]);
      },
    ],
    [
      'folders that not even their owner may look into',
      (workspace) => {
        mkdirSync(join(workspace, 'closed/below/deeper'), { recursive: true });
        for (const closed of ['closed/below/deeper', 'closed/below', 'closed']) chmodSync(join(workspace, closed), 0);
      },
    ],
    ['a workspace that is closed', (workspace) => chmodSync(workspace, 0)],
    ['a thread that is closed', (workspace) => chmodSync(join(workspace, '..'), 0)],
    [
      'more files than are looked at once',
      (workspace) => {
        for (let index = 0; index < 1000; index += 1) writeFileSync(join(workspace, `${index}`), '');
      },
    ],
    [
      'FIFOs, and names that are no words',
      (workspace) => {
        execFileSync('mkfifo', [join(workspace, '-rf'), join(workspace, 'a\n*')]);
      },
    ],
  ])('removes %s', async (_, damage) => {
    await asNobody(folder, async () => {
      damage((await store.prepare('one')).workspace);
      await store.remove('one');
      expect(readdirSync(threads)).toEqual([]);
    });
  });

  it('follows no link', async () => {
    const { workspace, home } = await store.prepare('one');
    mkdirSync(join(folder, 'outside'), { mode: 0o755 });
    writeFileSync(join(folder, 'outside', 'file'), 'kept');
    symlinkSync(join(folder, 'outside'), join(workspace, 'link'));
    rmSync(home, { recursive: true });
    symlinkSync(join(folder, 'outside'), home);
    await store.remove('one');
    expect(readdirSync(threads)).toEqual([]);
    expect(readFileSync(join(folder, 'outside', 'file'), 'utf8')).toBe('kept');
    expect(lstatSync(join(folder, 'outside')).mode & 0o777).toBe(0o755);
  });

  it('removes a link in the place of the thread, and not what it leads to', async () => {
    await store.prepare('two');
    symlinkSync('two', join(threads, 'one'));
    await store.remove('one');
    expect(readdirSync(threads)).toEqual(['two']);
    expect(existsSync(join(threads, 'two', 'workspace'))).toBe(true);
  });

  it.skipIf(!isRoot)(
    'fails as long as anything is left, and succeeds once it can, whatever was made meanwhile',
    async () => {
      const { workspace } = await asNobody(folder, () => store.prepare('one'));
      mkdirSync(join(workspace, 'of-root', 'below'), { recursive: true });
      await asNobody(folder, async () => {
        await expect(store.remove('one')).rejects.toThrow('EPERM');
        await expect(store.remove('one')).rejects.toThrow('EPERM');
        expect(readdirSync(threads)).toEqual(['.removed-one']);
        await store.prepare('one');
        await expect(store.remove('one')).rejects.toThrow('EPERM');
      });
      giveAway(join(threads, '.removed-one'));
      await asNobody(folder, () => store.remove('one'));
      expect(readdirSync(threads)).toEqual([]);
    },
  );

  it('can be asked for many times at once', async () => {
    const { workspace } = await store.prepare('one');
    nest(workspace, 200);
    await Promise.all([store.remove('one'), store.remove('one'), store.sweep(), store.remove('one')]);
    expect(readdirSync(threads)).toEqual([]);
  });
});

describe('A sweep', () => {
  it('removes the leftovers of removals and preparations, and nothing else', async () => {
    await store.prepare('one');
    for (const name of ['.removed-1234', '.removed-two', '.new-1234', '.other'])
      mkdirSync(join(threads, name, 'workspace'), { recursive: true });
    writeFileSync(join(threads, '.removed-file'), '');
    symlinkSync('one', join(threads, '.new-link'));
    expect(await store.sweep()).toEqual([]);
    expect(readdirSync(threads).toSorted()).toEqual(['.other', 'one']);
    expect(existsSync(join(threads, 'one', 'workspace'))).toBe(true);
  });

  it('leaves a thread alone that is being made', async () => {
    const template = join(folder, 'template');
    mkdirSync(template);
    for (let index = 0; index < 200; index += 1) writeFileSync(join(template, `${index}`), '');
    const making = new ThreadFolderStore({
      dataDirectory: join(folder, 'data'),
      workspaceTemplate: template,
      homeTemplate: undefined,
    });
    const prepared = making.prepare('one');
    await expect.poll(() => existsSync(threads) && readdirSync(threads).length, { interval: 1 }).toBe(1);
    await making.sweep();
    expect(readdirSync((await prepared).workspace)).toHaveLength(200);
  });

  it.skipIf(!isRoot)('reports what cannot be removed, and continues with the rest', async () => {
    const { workspace } = await asNobody(folder, () => store.prepare('one'));
    mkdirSync(join(workspace, 'of-root', 'below'), { recursive: true });
    await asNobody(folder, async () => {
      await store.remove('one').catch(() => undefined);
      mkdirSync(join(threads, '.removed-two'));
      expect(await store.sweep()).toEqual([{ name: '.removed-one', error: expect.any(Error) }]);
      expect(readdirSync(threads)).toEqual(['.removed-one']);
    });
    giveAway(join(threads, '.removed-one'));
    expect(await asNobody(folder, () => store.sweep())).toEqual([]);
    expect(readdirSync(threads)).toEqual([]);
  });

  it('finds nothing where there is no data yet', async () => {
    expect(await store.sweep()).toEqual([]);
  });
});

import { chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from './thread-files.js';
import { ThreadUsers } from './thread-users.js';

const RANGE = { first: 20_000, last: 20_003 };

// Only root may give files to others.
describe.skipIf(process.getuid?.() !== 0)('the users of threads', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-users-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function make(name: string): string {
    mkdirSync(join(folder, name, 'workspace'), { recursive: true });
    writeFileSync(join(folder, name, 'workspace', 'file'), '');
    symlinkSync('/etc/passwd', join(folder, name, 'workspace', 'link'));
    return join(folder, name);
  }

  const ownerOf = (...path: readonly string[]) => lstatSync(join(folder, ...path)).uid;

  it('own everything in their thread’s folder, and nothing behind a link', async () => {
    await new ThreadUsers(folder, RANGE, RANGE.first).assign(make('one'));
    expect([ownerOf('one'), ownerOf('one', 'workspace'), ownerOf('one', 'workspace', 'file')]).toEqual([
      20_000, 20_000, 20_000,
    ]);
    expect(ownerOf('one', 'workspace', 'link')).toBe(20_000);
    expect(lstatSync('/etc/passwd').uid).toBe(0);
  });

  it('are not shared, also by threads that are made at once and after a restart', async () => {
    const users = new ThreadUsers(folder, RANGE, RANGE.first);
    await Promise.all([users.assign(make('a')), users.assign(make('b'))]);
    await new ThreadUsers(folder, RANGE, RANGE.first).assign(make('c'));
    expect(new Set([ownerOf('a'), ownerOf('b'), ownerOf('c')]).size).toBe(3);
  });

  it('are given again once the files of a thread are gone, and not before', async () => {
    const users = new ThreadUsers(folder, RANGE, RANGE.first);
    for (const name of ['a', 'b', 'c', 'd']) await users.assign(make(name));
    await expect(users.assign(make('e'))).rejects.toThrow('every user id from 20000 to 20003 belongs to a thread');
    rmSync(join(folder, 'b'), { recursive: true });
    await users.assign(join(folder, 'e'));
    expect(ownerOf('e')).toBe(20_001);
  });

  it('are others for another folder, as of a second server on the machine', async () => {
    const begins = await Promise.all(
      ['one', 'two', 'three'].map(async (name) => {
        mkdirSync(join(folder, name));
        await new ThreadUsers(join(folder, name)).assign(make(join(name, 'thread')));
        return ownerOf(name, 'thread');
      }),
    );
    expect(new Set(begins).size).toBe(3);
  });

  it('own what the server writes for their agents', async () => {
    const thread = make('one');
    chownSync(thread, 20_000, 20_000);
    const files = new ThreadFiles(thread);
    await files.write('server/notes/note', 'text');
    await files.link('server/link', 'notes');
    const made = [['server'], ['server', 'notes'], ['server', 'notes', 'note'], ['server', 'link']];
    expect(made.map((path) => ownerOf('one', ...path))).toEqual([20_000, 20_000, 20_000, 20_000]);
  });
});

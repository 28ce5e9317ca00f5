import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from './thread-files.js';
import { ThreadUsers } from './thread-users.js';
import { UserIdClaims } from './user-id-claims.js';

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

  it('are not shared by threads that two servers make at once in one folder', async () => {
    const servers = ['a', 'b'].map(
      () => new ThreadUsers(folder, RANGE, RANGE.first, new UserIdClaims(join(folder, 'ids'))),
    );
    const names = ['a', 'b', 'c', 'd'];
    const folders = names.map(make);
    await Promise.all(folders.map(async (path, index) => servers[index % 2]?.assign(path)));
    const owners = names.map((name) => ownerOf(name));
    expect(owners.toSorted((one, other) => one - other)).toEqual([20_000, 20_001, 20_002, 20_003]);
    // A claim is young for a day, also that of a thread which is gone.
    rmSync(join(folder, 'b'), { recursive: true });
    const later = new ThreadUsers(folder, RANGE, RANGE.first, new UserIdClaims(join(folder, 'ids')));
    await expect(later.assign(make('e'))).rejects.toThrow('every user id');
    for (const claim of readdirSync(join(folder, 'ids'))) utimesSync(join(folder, 'ids', claim), 1, 1);
    await later.assign(join(folder, 'e'));
    expect(new Set(['a', 'c', 'd', 'e'].map((name) => ownerOf(name))).size).toBe(4);
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

  const rightsTo = (...path: readonly string[]) => {
    const { uid, gid, mode } = lstatSync(join(folder, 'one', ...path));
    return [uid, gid, (mode & 0o777).toString(8)];
  };

  it('may read what the server writes for their agents, and own none of it', async () => {
    const thread = make('one');
    chownSync(thread, 20_000, 20_000);
    const files = new ThreadFiles(thread);
    await files.write('server/notes/note', 'text');
    await files.link('server/link', 'notes');
    await files.write('workspace/made/file', 'text');
    expect(rightsTo('server')).toEqual([0, 20_000, '750']);
    expect(rightsTo('server', 'notes')).toEqual([0, 20_000, '750']);
    expect(rightsTo('server', 'notes', 'note')).toEqual([0, 20_000, '640']);
    expect(rightsTo('server', 'link').slice(0, 2)).toEqual([0, 20_000]);
    expect(rightsTo('workspace', 'made', 'file')).toEqual([20_000, 20_000, '600']);
  });

  it('lose what earlier servers gave them of it, with the next preparation and with another id', async () => {
    const thread = make('one');
    const files = new ThreadFiles(thread);
    await files.write('server/notes/note', 'text');
    await new ThreadUsers(folder, RANGE, RANGE.first).assign(thread);
    expect(rightsTo('server')).toEqual([0, 20_000, '750']);
    expect(rightsTo('server', 'notes', 'note')).toEqual([0, 20_000, '640']);
    chownSync(join(thread, 'server'), 20_000, 20_000);
    await files.makeFolder('server');
    expect(rightsTo('server')).toEqual([0, 20_000, '750']);
  });
});

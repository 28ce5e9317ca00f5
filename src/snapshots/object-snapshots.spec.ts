// Long because every way in which saving and fetching can break is tried on one store.
import {
  appendFileSync,
  chmodSync,
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
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { S3_BUCKET, S3_KEY_ID, type S3Server, startS3Server } from '../../test/support/s3-server.js';
import { LocalSandbox } from '../sandbox/local/local.sandbox.js';
import { toLeftOut } from './left-out.js';
import { LocalNotes } from './local-notes.js';
import { S3ObjectStore } from './objects/s3-object-store.js';
import { ObjectSnapshots } from './object-snapshots.js';
import type { SnapshotVersion } from './thread-snapshots.js';

const MB = 1024 * 1024;
const DAY_MS = 86_400_000;
const at = (turn: number, generation = 0): SnapshotVersion => ({ generation, turn });

/** One server with its own disk, on the store that all servers of a test share. */
class Machine {
  readonly data = mkdtempSync(join(tmpdir(), 'chiron-snapshots-'));
  readonly template = mkdtempSync(join(tmpdir(), 'chiron-template-'));
  readonly sandbox: LocalSandbox;
  readonly notes: LocalNotes;
  readonly snapshots: ObjectSnapshots;

  constructor(server: S3Server, limits = { bytes: 100 * MB, entries: 1000 }, bucket = S3_BUCKET) {
    this.sandbox = new LocalSandbox({
      dataDirectory: this.data,
      workspaceTemplate: undefined,
      homeTemplate: this.template,
    });
    this.notes = new LocalNotes(join(this.data, 'snapshots'));
    const store = new S3ObjectStore({
      endpoint: server.url,
      region: 'eu-central-1',
      bucket,
      prefix: 'of/tests/',
      credentials: { accessKeyId: S3_KEY_ID, secretAccessKey: 'secret' },
    });
    const login = 'home/.codex/auth.json';
    const contents = {
      isLeftOut: toLeftOut([login, 'home/.codex/state_*.sqlite*']),
      recordFolders: ['home/.codex'],
      limits,
    };
    this.snapshots = new ObjectSnapshots(store, this.sandbox, this.notes, contents, [login]);
  }

  path(...names: readonly string[]): string {
    return join(this.data, 'threads', 't', ...names);
  }

  write(path: string, bytes: string | Buffer): void {
    mkdirSync(join(this.path(path), '..'), { recursive: true });
    writeFileSync(this.path(path), bytes);
  }

  async save(version: SnapshotVersion, previous?: string) {
    return this.snapshots.save('t', this.snapshots.name(version), version, previous);
  }

  remove(): void {
    for (const folder of [this.data, this.template]) rmSync(folder, { recursive: true, force: true });
  }
}

describe('Snapshots in an S3 bucket', () => {
  let server: S3Server;
  let machines: Machine[];
  let one: Machine;

  beforeEach(async () => {
    server = await startS3Server();
    machines = [];
    one = machine();
    await one.sandbox.prepare('t', ['.codex']);
  });

  afterEach(async () => {
    for (const each of machines) each.remove();
    await server.close();
  });

  function machine(...more: ConstructorParameters<typeof Machine> extends [unknown, ...infer Rest] ? Rest : never) {
    const made = new Machine(server, ...more);
    machines.push(made);
    return made;
  }
  const keys = () => [...server.objects.keys()].toSorted();
  const isPut = (entry: string) => entry.startsWith('PUT');

  it('brings files, folders and links to another machine as they were', async () => {
    const past = new Date('2020-02-02T02:02:02.250Z');
    one.write('workspace/src/run.sh', 'echo hi');
    chmodSync(one.path('workspace/src/run.sh'), 0o751);
    utimesSync(one.path('workspace/src/run.sh'), past, past);
    one.write('workspace/empty', '');
    symlinkSync('/etc/passwd', one.path('workspace/link'));
    mkdirSync(one.path('workspace/.git/objects'), { recursive: true });
    one.write('home/.codex/sessions/rollout.jsonl', '{"line":1}\n');
    one.write('server/uploads/a.png', 'png');
    chmodSync(one.path('workspace/src'), 0o550);
    utimesSync(one.path('workspace/src'), past, past);
    const { name, extent } = await one.save(at(1));
    expect(extent).toBe('all');

    const two = machine();
    expect(await two.snapshots.restore('t', name)).toEqual({ generation: 0, turn: 1, extent: 'all' });
    expect(readFileSync(two.path('workspace/src/run.sh'), 'utf8')).toBe('echo hi');
    expect(readFileSync(two.path('workspace/empty'), 'utf8')).toBe('');
    expect(readlinkSync(two.path('workspace/link'))).toBe('/etc/passwd');
    expect(readdirSync(two.path('workspace/.git/objects'))).toEqual([]);
    expect(readFileSync(two.path('home/.codex/sessions/rollout.jsonl'), 'utf8')).toBe('{"line":1}\n');
    expect(readFileSync(two.path('server/uploads/a.png'), 'utf8')).toBe('png');
    expect(lstatSync(two.path('workspace/src/run.sh')).mode & 0o777).toBe(0o751);
    expect(lstatSync(two.path('workspace/src')).mode & 0o777).toBe(0o550);
    for (const path of ['workspace/src', 'workspace/src/run.sh']) expect(statSync(two.path(path)).mtime).toEqual(past);
    for (const each of [one, two]) chmodSync(each.path('workspace/src'), 0o750);
  });

  it('leaves out caches, what holds for one machine only, and logins, which come from the template again', async () => {
    mkdirSync(join(one.template, '.codex'));
    one.write('home/.codex/auth.json', 'secret of the deployment');
    one.write('home/.codex/state_5.sqlite-wal', 'paths');
    one.write('home/.cache/pip/x', 'cached');
    one.write('home/notes', 'kept');
    const { name } = await one.save(at(1));
    const two = machine();
    mkdirSync(join(two.template, '.codex'));
    writeFileSync(join(two.template, '.codex', 'auth.json'), 'of the template');
    await two.snapshots.restore('t', name);
    expect(readdirSync(two.path('home')).toSorted()).toEqual(['.codex', 'notes']);
    expect(readdirSync(two.path('home/.codex'))).toEqual(['auth.json']);
    expect(readFileSync(two.path('home/.codex/auth.json'), 'utf8')).toBe('of the template');
  });

  it('sends of a long file that grew only what is new, and of unchanged files nothing', async () => {
    one.write('home/.codex/record', randomBytes(3 * MB));
    one.write('workspace/large', randomBytes(MB));
    const first = await one.save(at(1));
    expect(first.sentBytes).toBeGreaterThan(4 * MB);
    appendFileSync(one.path('home/.codex/record'), 'one more line\n');
    const second = await one.save(at(2), first.name);
    expect(second.sentBytes).toBeLessThan(10_000);
    expect((await one.save(at(3), second.name)).sentBytes).toBeLessThan(10_000);
    const two = machine();
    await two.snapshots.restore('t', second.name);
    for (const path of ['home/.codex/record', 'workspace/large']) {
      expect(readFileSync(two.path(path)).equals(readFileSync(one.path(path)))).toBe(true);
    }
    // The machine that took over goes on with what the store has.
    two.write('workspace/new', 'x');
    expect((await two.save(at(4), second.name)).sentBytes).toBeLessThan(10_000);
  });

  it('notices a change that kept a file’s length and time', async () => {
    const past = new Date('2020-02-02T02:02:02Z');
    one.write('workspace/file', 'one');
    utimesSync(one.path('workspace/file'), past, past);
    const first = await one.save(at(1));
    one.write('workspace/file', 'two');
    utimesSync(one.path('workspace/file'), past, past);
    const second = await one.save(at(2), first.name);
    const two = machine();
    await two.snapshots.restore('t', second.name);
    expect(readFileSync(two.path('workspace/file'), 'utf8')).toBe('two');
  });

  it('stores a file of zeros as nothing, and gives it back with its length', async () => {
    one.write('workspace/disk.img', 'start');
    truncateSync(one.path('workspace/disk.img'), 20 * MB);
    const { name, sentBytes } = await one.save(at(1));
    expect(sentBytes).toBeLessThan(10_000);
    const two = machine();
    await two.snapshots.restore('t', name);
    expect(statSync(two.path('workspace/disk.img')).size).toBe(20 * MB);
    expect(statSync(two.path('workspace/disk.img')).blocks * 512).toBeLessThan(4 * MB);
  });

  it('has no workspace above the limit, and of a home above it only the agents’ records', async () => {
    one.write('home/.codex/record', 'r'.repeat(100));
    one.write('home/notes', 'n'.repeat(100));
    one.write('workspace/large', 'w'.repeat(2000));
    const limited = (bytes: number) => {
      const other = machine({ bytes, entries: 1000 });
      rmSync(other.data, { recursive: true });
      symlinkSync(one.data, other.data);
      return other;
    };
    expect((await limited(1000).save(at(1))).extent).toBe('home');
    const records = await limited(150).save(at(1));
    expect(records.extent).toBe('records');
    await expect(limited(50).save(at(1))).rejects.toThrow('above the limit');
    const two = machine();
    expect(await two.snapshots.restore('t', records.name)).toMatchObject({ extent: 'records' });
    expect(readdirSync(two.path('home'))).toEqual(['.codex']);
    expect(readdirSync(two.path('workspace'))).toEqual([]);
  });

  it('puts a snapshot in the place of other files, as a whole or not at all', async () => {
    one.write('workspace/file', 'of the snapshot');
    const { name } = await one.save(at(1));
    const two = machine();
    await two.sandbox.prepare('t');
    two.write('workspace/older', 'x');
    const pack = keys().find((key) => key.endsWith('.pack')) ?? '';
    server.fault = (method, key) => (method === 'GET' && key === pack ? 'cut' : undefined);
    await expect(two.snapshots.restore('t', name)).rejects.toThrow();
    expect(readdirSync(two.path('workspace'))).toEqual(['older']);
    server.fault = () => undefined;
    await two.snapshots.restore('t', name);
    expect(readdirSync(two.path('workspace'))).toEqual(['file']);
  });

  it('does not restore what is not what was stored', async () => {
    one.write('workspace/file', 'of the snapshot');
    const { name } = await one.save(at(1));
    const two = machine();
    const pack = keys().find((key) => key.endsWith('.pack')) ?? '';
    const manifest = keys().find((key) => key.endsWith('.manifest')) ?? '';
    one.write('workspace/file', 'something else ');
    await one.save(at(2));
    const other = keys().find((key) => key.endsWith('.pack') && key !== pack) ?? '';
    server.objects.set(pack, server.objects.get(other) ?? { bytes: Buffer.from('no pack'), modifiedMs: 0 });
    await expect(two.snapshots.restore('t', name)).rejects.toThrow('not what was stored');
    server.objects.delete(pack);
    await expect(two.snapshots.restore('t', name)).rejects.toThrow('has no object');
    server.objects.set(manifest, { bytes: Buffer.from('no list'), modifiedMs: 0 });
    await expect(two.snapshots.restore('t', name)).rejects.toThrow('cannot be read');
    server.objects.delete(manifest);
    await expect(two.snapshots.restore('t', name)).rejects.toThrow('has no object');
    expect(await two.sandbox.threadIds()).toEqual([]);
  });

  it('stays as it was while the store fails, however far it got', async () => {
    one.write('workspace/file', randomBytes(2 * MB));
    const first = await one.save(at(1));
    one.write('workspace/file', randomBytes(2 * MB));
    for (const ending of ['.pack', '.manifest']) {
      server.fault = (method, key) => (method !== 'GET' && key.endsWith(ending) ? 'error' : undefined);
      await expect(one.save(at(2), first.name)).rejects.toThrow('InternalError');
    }
    server.fault = () => undefined;
    const two = machine();
    await two.snapshots.restore('t', first.name);
    expect(statSync(two.path('workspace/file')).size).toBe(2 * MB);
    const second = await one.save(at(2), first.name);
    await two.snapshots.restore('t', second.name);
    expect(readFileSync(two.path('workspace/file')).equals(readFileSync(one.path('workspace/file')))).toBe(true);
  });

  it('prunes after a day what the current snapshot does not use', async () => {
    one.write('workspace/kept', randomBytes(2 * MB));
    const first = await one.save(at(1));
    one.write('workspace/kept2', randomBytes(2 * MB));
    one.write('workspace/changed', 'one');
    const second = await one.save(at(2), first.name);
    one.write('workspace/changed', 'two');
    const third = await one.save(at(3), second.name);
    server.objects.set('of/tests/threads/gone/0-1-x.pack', { bytes: Buffer.from('x'), modifiedMs: Date.now() });
    server.objects.set('of/tests/of others', { bytes: Buffer.from('x'), modifiedMs: 0 });
    const orphan = 'of/tests/threads/t/0-2-broken.pack';
    server.objects.set(orphan, { bytes: Buffer.from('x'), modifiedMs: Date.now() });
    const current = (id: string) => Promise.resolve(id === 't' ? third.name : undefined);
    const before = keys();
    await one.snapshots.prune(current);
    expect(keys()).toEqual(before);
    for (const object of server.objects.values()) object.modifiedMs -= 2 * DAY_MS;
    await one.snapshots.prune(current);
    expect(keys()).toEqual(
      [
        'of/tests/of others',
        ...[first, second, third].map(({ name }) => `of/tests/threads/t/${name}.pack`),
        `of/tests/threads/t/${third.name}.manifest`,
      ].toSorted(),
    );
    const two = machine();
    await two.snapshots.restore('t', third.name);
    expect(readFileSync(two.path('workspace/changed'), 'utf8')).toBe('two');
  });

  it('prunes no pack of a thread whose list of files cannot be read', async () => {
    one.write('workspace/file', 'x');
    const { name } = await one.save(at(1));
    server.objects.delete(`of/tests/threads/t/${name}.manifest`);
    server.objects.set('of/tests/threads/t/0-0-a.pack', { bytes: Buffer.from('x'), modifiedMs: 0 });
    const before = keys();
    await one.snapshots.prune(() => Promise.resolve(name));
    expect(keys()).toEqual(before);
  });

  it('gives up packs that are hardly used, so that a snapshot does not grow for ever', async () => {
    let previous: string | undefined;
    for (let turn = 1; turn <= 40; turn += 1) {
      one.write('workspace/always-new', randomBytes(100_000));
      one.write(`workspace/${turn}`, String(turn));
      previous = (await one.save(at(turn), previous)).name;
    }
    for (const object of server.objects.values()) object.modifiedMs -= 2 * DAY_MS;
    await one.snapshots.prune(() => Promise.resolve(previous));
    expect(keys().length).toBeLessThan(20);
    const two = machine();
    await two.snapshots.restore('t', previous ?? '');
    expect(readdirSync(two.path('workspace'))).toHaveLength(41);
    expect(readFileSync(two.path('workspace/17'), 'utf8')).toBe('17');
  });

  it('removes all of a thread, and nothing of another', async () => {
    for (let turn = 1; turn <= 4; turn += 1) {
      one.write('workspace/file', String(turn));
      await one.save(at(turn));
    }
    server.objects.set('of/tests/threads/t2/0-1-x.pack', { bytes: Buffer.from('x'), modifiedMs: 0 });
    await one.snapshots.remove('t');
    expect(keys()).toEqual(['of/tests/threads/t2/0-1-x.pack']);
  });

  it('is checked: the bucket has to be there', async () => {
    await one.snapshots.check();
    await expect(machine(undefined, 'another').snapshots.check()).rejects.toThrow();
  });

  it('names no snapshot twice', () => {
    const names = [1, 1, 2].map((turn) => one.snapshots.name(at(turn, 3)));
    expect(new Set(names).size).toBe(3);
    expect(names.every((name) => name.startsWith('3-'))).toBe(true);
  });

  it('stores the list of files last', async () => {
    one.write('workspace/file', randomBytes(9 * MB));
    await one.save(at(1));
    const puts = server.requests.filter(isPut);
    expect(puts.length).toBeGreaterThan(2);
    expect(puts.findIndex((entry) => entry.endsWith('.manifest'))).toBe(puts.length - 1);
  });
});

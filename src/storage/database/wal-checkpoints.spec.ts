import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeSqliteDatabase } from './sqlite.js';
import { DUE_FRAMES, DUE_LARGE_CHARS, WalCheckpoints } from './wal-checkpoints.js';

const ENOUGH_STATEMENTS = 1000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chiron-wal-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('brings a long log to the database before a commit of SQLite would', async () => {
  const file = join(folder, 'test.sqlite');
  const database = new NodeSqliteDatabase(file);
  try {
    database.execute('create table pages (content blob)', []);
    const rows = DUE_FRAMES + ENOUGH_STATEMENTS;
    database.execute('begin', []);
    for (let row = 0; row < rows; row += 1) database.execute('insert into pages values (?)', [Buffer.alloc(3000)]);
    database.execute('commit', []);
    const before = await stat(file);
    for (let read = 0; read < ENOUGH_STATEMENTS; read += 1) database.execute('select 1', []);

    await vi.waitFor(async () => expect((await stat(file)).size).toBeGreaterThan(before.size + DUE_FRAMES * 4096));
  } finally {
    database.close();
  }
});

describe('a checkpoint', () => {
  const connection = {
    isOpen: true,
    isTransaction: false,
    countFrames: () => DUE_FRAMES,
    checkpoint: vi.fn<() => void>(),
  };

  beforeEach(async () => {
    Object.assign(connection, { isOpen: true, isTransaction: false, countFrames: () => DUE_FRAMES });
    connection.checkpoint.mockClear();
    await writeFile(join(folder, 'log'), '');
  });

  const runStatements = (checkpoints: WalCheckpoints): void => {
    for (let statement = 0; statement < ENOUGH_STATEMENTS; statement += 1) checkpoints.noteStatement();
  };

  it('is not run while the log is short', async () => {
    connection.countFrames = () => DUE_FRAMES - 1;
    runStatements(new WalCheckpoints(join(folder, 'log'), connection));
    await wait(50);
    expect(connection.checkpoint).not.toHaveBeenCalled();
  });

  it('runs early when large values were written, and then only after as many again', async () => {
    connection.countFrames = () => DUE_FRAMES - 1;
    const checkpoints = new WalCheckpoints(join(folder, 'log'), connection);
    const write = (chars: number): void => {
      for (let left = chars; left > 0; left -= DUE_LARGE_CHARS / 16) checkpoints.noteStatement(DUE_LARGE_CHARS / 16);
    };
    write(DUE_LARGE_CHARS);
    await vi.waitFor(() => expect(connection.checkpoint).toHaveBeenCalledOnce());
    write(DUE_LARGE_CHARS / 2);
    await wait(50);
    expect(connection.checkpoint).toHaveBeenCalledOnce();
    write(DUE_LARGE_CHARS / 2);
    await vi.waitFor(() => expect(connection.checkpoint).toHaveBeenCalledTimes(2));
  });

  it('runs once for a log that became long', async () => {
    runStatements(new WalCheckpoints(join(folder, 'log'), connection));
    await vi.waitFor(() => expect(connection.checkpoint).toHaveBeenCalledOnce());
    await wait(50);
    expect(connection.checkpoint).toHaveBeenCalledOnce();
  });

  it('waits for the end of a transaction', async () => {
    const checkpoints = new WalCheckpoints(join(folder, 'log'), connection);
    runStatements(checkpoints);
    connection.isTransaction = true;
    await wait(50);
    runStatements(checkpoints);
    await wait(50);
    expect(connection.checkpoint).not.toHaveBeenCalled();

    connection.isTransaction = false;
    runStatements(checkpoints);
    await vi.waitFor(() => expect(connection.checkpoint).toHaveBeenCalledOnce());
  });

  it('is left out when the store was closed meanwhile', async () => {
    runStatements(new WalCheckpoints(join(folder, 'log'), connection));
    connection.isOpen = false;
    await wait(50);
    expect(connection.checkpoint).not.toHaveBeenCalled();
  });

  it('is left to SQLite when the log cannot be written to the disk', async () => {
    const checkpoints = new WalCheckpoints(join(folder, 'none', 'log'), connection);
    runStatements(checkpoints);
    await wait(50);
    expect(connection.checkpoint).not.toHaveBeenCalled();
  });
});

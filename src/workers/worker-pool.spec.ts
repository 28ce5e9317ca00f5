import { afterEach, describe, expect, it, vi } from 'vitest';
import { TaskLimitError, WorkerPool, type WorkerPoolOptions } from './worker-pool.js';

/** A worker module whose tasks name what it does, in place of one that calls `serve`. */
const SOURCE = `import { parentPort, threadId } from 'node:worker_threads';
  parentPort.on('message', (task) => {
    if (task === 'die') throw new Error('dead');
    if (task === 'leave') process.exit(3);
    if (task === 'hang') for (;;);
    if (task === 'swell') { const all = []; for (;;) all.push({ all: all.length }); }
    if (task === 'environment') return parentPort.postMessage({ kind: 'done', result: JSON.stringify(process.env) });
    if (task === 'fail') return parentPort.postMessage({ kind: 'failed', error: new Error('wrong') });
    if (task !== 'wait') parentPort.postMessage({ kind: 'done', result: task + ' by ' + threadId });
  });
  parentPort.postMessage({ kind: 'ready' });`;

const LONG = 3_600_000;
const pools: WorkerPool<string, string>[] = [];

function newPool(options: Partial<WorkerPoolOptions> = {}): WorkerPool<string, string> {
  const module = new URL(`data:text/javascript,${encodeURIComponent(SOURCE)}`);
  const pool = new WorkerPool<string, string>({
    name: 'worker',
    module,
    size: 1,
    idleMs: LONG,
    heapMb: 64,
    ...options,
  });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

describe('a pool of threads', () => {
  it('starts its first thread with its first task', async () => {
    const pool = newPool();
    expect(pool.threads).toBe(0);
    await expect(pool.run('one')).resolves.toMatch(/^one by /);
    expect(pool.threads).toBe(1);
  });

  it('starts a thread ahead of its task when it is told to, and ends it when no task comes', async () => {
    const pool = newPool({ size: 2, idleMs: 1 });
    pool.prepare();
    pool.prepare();
    expect(pool.threads).toBe(1);
    await vi.waitFor(() => expect(pool.threads).toBe(0));
    pool.prepare();
    await expect(pool.run('one')).resolves.toMatch(/^one by /);
  });

  it('starts no further thread ahead of a task when all are busy', async () => {
    const pool = newPool();
    const task = pool.run('one');
    pool.prepare();
    expect(pool.threads).toBe(1);
    await task;
  });

  it('runs many concurrent tasks on its maximum of threads, and returns each its own result', async () => {
    const pool = newPool({ size: 2 });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => pool.run(`${index}`)));
    expect(answers.map((answer) => answer.split(' ')[0])).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
    expect(new Set(answers.map((answer) => answer.split(' ').at(-1))).size).toBe(2);
    expect(pool.threads).toBe(2);
  });

  it('ends idle threads, and starts new ones for later tasks', async () => {
    const pool = newPool({ idleMs: 1 });
    await pool.run('one');
    await vi.waitFor(() => expect(pool.threads).toBe(0));
    await expect(pool.run('two')).resolves.toMatch(/^two/);
  });

  it.each(['die', 'leave', 'swell'])('rejects a task whose thread dies (%s), and runs the queued ones', async (end) => {
    const pool = newPool();
    const [gone, next] = [pool.run(end), pool.run('next')];
    await expect(gone).rejects.toThrow(/failed|ended/);
    await expect(next).resolves.toMatch(/^next/);
  });

  it('rejects a task that exceeds its time or memory with a TaskLimitError', async () => {
    const pool = newPool({ timeLimitMs: 50 });
    await expect(pool.run('hang')).rejects.toThrow(TaskLimitError);
    await expect(newPool().run('swell')).rejects.toThrow(TaskLimitError);
    await expect(newPool().run('die')).rejects.not.toThrow(TaskLimitError);
  });

  it('runs all other tasks, also queued ones, while some never end', async () => {
    const pool = newPool({ size: 2, timeLimitMs: 100 });
    const hostile = Promise.allSettled(Array.from({ length: 4 }, () => pool.run('hang')));
    const good = await Promise.all(Array.from({ length: 4 }, () => pool.run('good')));
    expect(good).toHaveLength(4);
    expect((await hostile).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
  });

  it('rejects a task that fails, and keeps its thread', async () => {
    const pool = newPool();
    const before = await pool.run('x');
    await expect(pool.run('fail')).rejects.toMatchObject({ cause: new Error('wrong') });
    expect(await pool.run('x')).toBe(before);
  });

  it('rejects running and queued tasks when it is stopped', async () => {
    const pool = newPool();
    const tasks = Promise.allSettled([pool.run('wait'), pool.run('x')]);
    await pool.stop();
    expect((await tasks).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(pool.threads).toBe(0);
  });

  it('passes no environment variables to its threads', async () => {
    expect(await newPool().run('environment')).toBe('{}');
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TokenThread } from './token-thread.js';

const threads: TokenThread[] = [];

/** A thread that runs the tokenizer itself, or a module with this source. */
function newThread(idle: number, source?: string): TokenThread {
  const module =
    source === undefined
      ? new URL('./tokenize.worker.ts', import.meta.url)
      : new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const thread = new TokenThread({ module, idle });
  threads.push(thread);
  return thread;
}

afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.stop();
});

const LONG = 3_600_000;

describe('the tokenizer’s thread', () => {
  it('is started by the first count, not before', async () => {
    const thread = newThread(LONG);
    expect(thread.isRunning).toBe(false);
    await expect(thread.count(['hello world', 'hello'])).resolves.toBe(3);
    expect(thread.isRunning).toBe(true);
  });

  it('answers many counts at once, each its own', async () => {
    const thread = newThread(LONG);
    const counts = await Promise.all(Array.from({ length: 50 }, (_, index) => thread.count(['a '.repeat(index + 1)])));
    expect(new Set(counts).size).toBe(50);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it('ends when nobody has asked for a while, and is started again', async () => {
    const thread = newThread(1);
    await thread.count(['hello']);
    await vi.waitFor(() => expect(thread.isRunning).toBe(false));
    await expect(thread.count(['hello'])).resolves.toBe(1);
  });

  it('rejects what waits when it dies, and the next count gets another one', async () => {
    const source = `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ id, slices }) => {
        if (slices[0] === 'die') throw new Error('dead');
        if (slices[0] === 'leave') process.exit(3);
        if (slices[0] !== 'wait') parentPort.postMessage({ id, tokens: 7 });
      });`;
    const thread = newThread(LONG, source);
    const dead = [thread.count(['wait']), thread.count(['die'])];
    await expect(Promise.allSettled(dead)).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await expect(thread.count(['x'])).resolves.toBe(7);
    await expect(thread.count(['leave'])).rejects.toThrow('the tokenizer ended');
    await expect(thread.count(['x'])).resolves.toBe(7);
  });

  it('rejects what waits when it is stopped', async () => {
    const thread = newThread(LONG);
    const count = thread.count(['hello']);
    const stopped = thread.stop();
    await expect(count).rejects.toThrow('stopped');
    await stopped;
    expect(thread.isRunning).toBe(false);
  });
});

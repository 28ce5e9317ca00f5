import { describe, expect, it } from 'vitest';
import { aThread, aTurn } from '../../../test/support/stored.js';
import { RunQueue } from './run-queue.js';

const pending = (id: string, threadId: string) => ({
  thread: aThread({ id: threadId }),
  turn: aTurn({ id, threadId }),
  isCancelled: false,
});
const running = 'a running turn';

/** Starts all turns that can start; returns their ids in order. */
function startAll(queue: RunQueue<string>): readonly string[] {
  const started: string[] = [];
  for (let next = queue.dequeue(); next !== undefined; next = queue.dequeue()) {
    started.push(next.turn.id);
    queue.setRunning(next.turn.threadId, running);
  }
  return started;
}

describe(RunQueue.name, () => {
  it('starts one turn per thread, in the order of submission', () => {
    const queue = new RunQueue<string>(9);
    for (const one of [pending('a1', 'a'), pending('a2', 'a'), pending('b1', 'b')]) queue.enqueue(one);
    expect(startAll(queue)).toEqual(['a1', 'b1']);
    queue.clearRunning('a');
    expect(startAll(queue)).toEqual(['a2']);
    expect(queue.counts).toEqual({ running: 2, pending: 0 });
  });

  it('starts no more turns than the deployment allows, and counts a reserved slot', () => {
    const queue = new RunQueue<string>(2);
    expect(queue.reserve('a')).toBe(true);
    for (const one of [pending('b1', 'b'), pending('c1', 'c')]) queue.enqueue(one);
    expect(startAll(queue)).toEqual(['b1']);
    expect(queue.isFull).toBe(true);
    expect(queue.counts).toEqual({ running: 1, pending: 1 });
    expect(queue.release('a')).toBe(true);
    expect(startAll(queue)).toEqual(['c1']);
  });

  it('reserves no slot for a thread that has a pending turn, a running turn or a slot', () => {
    const queue = new RunQueue<string>(9);
    queue.enqueue(pending('a1', 'a'));
    queue.setRunning('b', running);
    queue.reserve('c');
    expect(['a', 'b', 'c'].map((thread) => queue.reserve(thread))).toEqual([false, false, false]);
  });

  it('does not release the slot of a running turn', () => {
    const queue = new RunQueue<string>(9);
    queue.setRunning('a', running);
    expect(queue.release('a')).toBe(false);
    expect(queue.runningOf('a')).toBe(running);
  });

  it('keeps a cancelled turn in its position, and drops a removed one', () => {
    const queue = new RunQueue<string>(9);
    const [first, second] = [pending('a1', 'a'), pending('b1', 'b')];
    for (const one of [first, second]) queue.enqueue(one);
    queue.markCancelled(first);
    queue.removePending(second);
    expect(queue.dequeue()).toEqual({ ...first, isCancelled: true });
    expect(queue.dequeue()).toBe(undefined);
  });
});

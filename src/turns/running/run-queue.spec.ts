import { describe, expect, it } from 'vitest';
import { aThread, aTurn } from '../../../test/support/stored.js';
import { RunQueue } from './run-queue.js';

const inThread = (id: string, tenant = 'one') => aThread({ id, tenant });
const pending = (id: string, threadId: string, tenant?: string) => ({
  thread: inThread(threadId, tenant),
  turn: aTurn({ id, threadId }),
  isCancelled: false,
});
const running = 'a running turn';

/** Starts all turns that can start; returns their ids in order. */
function startAll(queue: RunQueue<string>): readonly string[] {
  const started: string[] = [];
  for (let next = queue.dequeue(); next !== undefined; next = queue.dequeue()) {
    started.push(next.turn.id);
    queue.setRunning(next.thread, running);
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
    expect(queue.reserve(inThread('a'))).toBe(true);
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
    queue.setRunning(inThread('b'), running);
    queue.reserve(inThread('c'));
    expect(['a', 'b', 'c'].map((thread) => queue.reserve(inThread(thread)))).toEqual([false, false, false]);
  });

  it('shares scarce slots among tenants: a free one goes to the tenant with the fewest', () => {
    const queue = new RunQueue<string>(3);
    for (const id of ['a1', 'a2', 'a3', 'a4', 'a5']) queue.enqueue(pending(id, id, 'a'));
    expect(startAll(queue)).toEqual(['a1', 'a2', 'a3']);
    for (const id of ['b1', 'b2', 'b3']) queue.enqueue(pending(id, id, 'b'));
    queue.enqueue(pending('c1', 'c1', 'c'));
    queue.clearRunning('a1');
    expect(startAll(queue)).toEqual(['b1']);
    queue.clearRunning('a2');
    expect(startAll(queue)).toEqual(['c1']);
    queue.clearRunning('c1');
    // Each has one: the oldest is next.
    expect(startAll(queue)).toEqual(['a4']);
    queue.clearRunning('b1');
    expect(startAll(queue)).toEqual(['b2']);
  });

  it('does not release the slot of a running turn', () => {
    const queue = new RunQueue<string>(9);
    queue.setRunning(inThread('a'), running);
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

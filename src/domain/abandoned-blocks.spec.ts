import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from './harness-event.js';
import { maskAbandonedBlocks, dropAbandonedBlocks } from './abandoned-blocks.js';

const text = (id: string): HarnessEvent => ({ type: 'text-delta', id, text: id });
const thinking = (id: string): HarnessEvent => ({ type: 'thinking-delta', id, text: id });
const end = (id: string): HarnessEvent => ({ type: 'block-end', id });
const dropped = (id: string): HarnessEvent => ({ type: 'block-dropped', id });
const attempt = (number: number): HarnessEvent => ({ type: 'attempt-start', attempt: number });
const call: HarnessEvent = { type: 'tool-call', id: 't', name: 'n', server: 's', input: {} };
const result: HarnessEvent = { type: 'tool-result', id: 't', content: [], isError: false };

describe('the events for a reader that starts after an attempt died', () => {
  it('are the same when no attempt died', () => {
    const events = [attempt(1), text('a'), call];
    expect(dropAbandonedBlocks(events)).toBe(events);
    const none = [text('a'), thinking('b')];
    expect(dropAbandonedBlocks(none)).toBe(none);
    expect(dropAbandonedBlocks([])).toEqual([]);
  });

  it('omit the blocks that the dead attempt did not finish, and keep its finished blocks and tools', () => {
    expect(
      dropAbandonedBlocks([
        thinking('a'),
        thinking('a'),
        end('a'),
        call,
        result,
        text('b'),
        thinking('c'),
        attempt(2),
        text('d'),
      ]),
    ).toEqual([thinking('a'), thinking('a'), end('a'), call, result, attempt(2), text('d')]);
  });

  it('omit the unfinished blocks of every dead attempt', () => {
    expect(
      dropAbandonedBlocks([text('a'), attempt(2), text('a'), end('a'), text('b'), attempt(3), text('b'), end('b')]),
    ).toEqual([attempt(2), text('a'), end('a'), attempt(3), text('b'), end('b')]);
  });

  it('omit the finished blocks that the next attempt drops, and keep what it says under the same name', () => {
    const again = [text('b'), end('b')];
    expect(dropAbandonedBlocks([text('a'), end('a'), ...again, attempt(2), dropped('b'), ...again])).toEqual([
      text('a'),
      end('a'),
      attempt(2),
      dropped('b'),
      ...again,
    ]);
    const silence = { type: 'notice', kind: 'progress', message: '' };
    expect(maskAbandonedBlocks([...again, attempt(2), dropped('b'), attempt(3)], 0)).toEqual([
      silence,
      silence,
      attempt(2),
      dropped('b'),
      attempt(3),
    ]);
  });

  it('keep the order and do not change the input', () => {
    const events = [text('a'), call, attempt(2), text('b')];
    expect(dropAbandonedBlocks(events)).toEqual([call, attempt(2), text('b')]);
    expect(events).toEqual([text('a'), call, attempt(2), text('b')]);
  });

  it('keep their index for a reader that counts them, and do not change what it has received', () => {
    const events = [text('a'), text('a'), end('a'), text('b'), text('b'), attempt(2), text('b')];
    const silence = { type: 'notice', kind: 'progress', message: '' };
    expect(maskAbandonedBlocks(events, 0)).toEqual([...events.slice(0, 3), silence, silence, ...events.slice(5)]);
    expect(maskAbandonedBlocks(events, 4)).toEqual([...events.slice(0, 4), silence, ...events.slice(5)]);
    expect(maskAbandonedBlocks([text('a')], 0)).toEqual([text('a')]);
  });
});

import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { collectEmittedIds, isReplayed, synthesizeMissingResults, withoutDropped } from './replay-dedupe.js';

const events: readonly HarnessEvent[] = [
  { type: 'text-delta', id: 'complete', text: 'a' },
  { type: 'block-end', id: 'complete' },
  { type: 'tool-call', id: 'answered', name: 'Bash', server: 'agent', input: {} },
  { type: 'tool-result', id: 'answered', content: [], isError: false },
  { type: 'tool-call', id: 'lost', name: 'Bash', server: 'agent', input: {} },
  { type: 'text-delta', id: 'half', text: 'b' },
];

describe('the replay of a resumed harness', () => {
  const logged = collectEmittedIds(events);

  it('repeats complete blocks, calls and results, which are dropped', () => {
    expect(events.slice(0, 5).every((event) => isReplayed(event, logged))).toBe(true);
  });

  it('says a block again that was dropped, also under the same id', () => {
    const left = withoutDropped(logged, [{ type: 'block-dropped', id: 'complete' }]);
    expect(events.slice(0, 5).map((event) => isReplayed(event, left))).toEqual([false, false, true, true, true]);
  });

  it('keeps a block that was incomplete, and a result that was missing', () => {
    expect(isReplayed({ type: 'text-delta', id: 'half', text: 'b' }, logged)).toBe(false);
    expect(isReplayed({ type: 'tool-result', id: 'lost', content: [], isError: true }, logged)).toBe(false);
    expect(isReplayed({ type: 'turn-end', reason: 'end_turn' }, logged)).toBe(false);
  });
});

describe(synthesizeMissingResults.name, () => {
  it('makes an error result for a tool that returned none', () => {
    expect(synthesizeMissingResults(events)).toMatchObject([{ type: 'tool-result', id: 'lost', isError: true }]);
  });
});

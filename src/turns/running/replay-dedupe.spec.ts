import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { synthesizeMissingResults, collectEmittedIds, isReplayed } from './replay-dedupe.js';

const events: readonly HarnessEvent[] = [
  { type: 'text-delta', id: 'whole', text: 'a' },
  { type: 'block-end', id: 'whole' },
  { type: 'tool-call', id: 'answered', name: 'Bash', server: 'agent', input: {} },
  { type: 'tool-result', id: 'answered', content: [], isError: false },
  { type: 'tool-call', id: 'lost', name: 'Bash', server: 'agent', input: {} },
  { type: 'text-delta', id: 'half', text: 'b' },
];

describe('what a turn said before its harness was resumed', () => {
  const said = collectEmittedIds(events);

  it('knows whole blocks, calls and results again', () => {
    expect(events.slice(0, 5).every((event) => isReplayed(event, said))).toBe(true);
  });

  it('does not take a block that was not whole, nor a result that never came, for said', () => {
    expect(isReplayed({ type: 'text-delta', id: 'half', text: 'b' }, said)).toBe(false);
    expect(isReplayed({ type: 'tool-result', id: 'lost', content: [], isError: true }, said)).toBe(false);
    expect(isReplayed({ type: 'turn-end', reason: 'end_turn' }, said)).toBe(false);
  });

  it('gives tools that never answered a result that says so', () => {
    expect(synthesizeMissingResults(events)).toMatchObject([{ type: 'tool-result', id: 'lost', isError: true }]);
  });
});

import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import { sanitizeEvent } from './sanitize-event.js';

const HALF = '\uD83C';

const call = (input: JsonObject): HarnessEvent => ({
  type: 'tool-call',
  id: 'a',
  name: 'Bash',
  server: 'agent',
  input,
});

/** An object with so many objects in one another. */
const nested = (depth: number): JsonObject => {
  let object: JsonObject = { end: 'here' };
  for (let level = 1; level < depth; level += 1) object = { list: [object] };
  return object;
};

describe(sanitizeEvent.name, () => {
  it('leaves what is sound as it is', () => {
    const events: readonly HarnessEvent[] = [
      call({ text: 'whole 🌍', list: [1, null, true, { deep: '' }] }),
      { type: 'caller-tool-call', id: 'b', name: 'ask', input: {} },
      { type: 'tool-result', id: 'a', content: [{ type: 'text', text: '🌍' }], isError: false },
      { type: 'turn-failed', kind: 'internal', message: 'broken 🌍' },
      { type: 'notice', kind: 'progress', message: 'at work' },
      { type: 'turn-end', reason: 'end_turn' },
    ];
    expect(events.map(sanitizeEvent)).toEqual(events);
  });

  it('puts U+FFFD for half a character in everything that is said about tools and failures', () => {
    const sound = [
      { ...call({ [`key${HALF}`]: [`value${HALF}`, { inner: HALF }] }), server: HALF, name: HALF },
      { type: 'caller-tool-call', id: HALF, name: `ask${HALF}`, input: {} } as const,
      { type: 'tool-result', id: HALF, content: [{ type: 'text', text: `a${HALF}b` }], isError: false } as const,
      { type: 'turn-failed', kind: 'internal', message: HALF } as const,
    ].map(sanitizeEvent);
    expect(JSON.stringify(sound)).not.toContain(String.raw`\ud83c`);
    expect(sound[0]).toMatchObject({ input: { 'key\uFFFD': ['value\uFFFD', { inner: '\uFFFD' }] } });
  });

  it('leaves halves of texts, which the next piece may complete', () => {
    const piece: HarnessEvent = { type: 'text-delta', id: 'a', text: HALF };
    expect(sanitizeEvent(piece)).toBe(piece);
  });

  it('cuts what is nested deeper than can be stored', () => {
    const shallow = call(nested(100));
    expect(sanitizeEvent(shallow)).toEqual(shallow);
    const told = JSON.stringify(sanitizeEvent(call(nested(100_000))));
    expect(told).toContain('[nested too deep]');
    expect(told.length).toBeLessThan(5000);
  });
});

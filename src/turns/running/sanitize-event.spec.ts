import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import { sanitizeEvent } from './sanitize-event.js';

const LONE_SURROGATE = '\uD83C';

const call = (input: JsonObject): HarnessEvent => ({
  type: 'tool-call',
  id: 'a',
  name: 'Bash',
  server: 'agent',
  input,
});

/** An object of this nesting depth. */
const nested = (depth: number): JsonObject => {
  let object: JsonObject = { end: 'here' };
  for (let level = 1; level < depth; level += 1) object = { list: [object] };
  return object;
};

describe(sanitizeEvent.name, () => {
  it('leaves well-formed events unchanged', () => {
    const events: readonly HarnessEvent[] = [
      call({ text: 'well-formed 🌍', list: [1, null, true, { deep: '' }] }),
      { type: 'caller-tool-call', id: 'b', name: 'ask', input: {} },
      { type: 'tool-result', id: 'a', content: [{ type: 'text', text: '🌍' }], isError: false },
      { type: 'turn-failed', kind: 'internal', message: 'broken 🌍' },
      { type: 'notice', kind: 'progress', message: 'at work' },
      { type: 'turn-end', reason: 'end_turn' },
    ];
    expect(events.map(sanitizeEvent)).toEqual(events);
  });

  it('replaces lone surrogates in tool events and failures with U+FFFD', () => {
    const sanitized = [
      {
        ...call({ [`key${LONE_SURROGATE}`]: [`value${LONE_SURROGATE}`, { inner: LONE_SURROGATE }] }),
        server: LONE_SURROGATE,
        name: LONE_SURROGATE,
      },
      { type: 'caller-tool-call', id: LONE_SURROGATE, name: `ask${LONE_SURROGATE}`, input: {} } as const,
      {
        type: 'tool-result',
        id: LONE_SURROGATE,
        content: [{ type: 'text', text: `a${LONE_SURROGATE}b` }],
        isError: false,
      } as const,
      { type: 'turn-failed', kind: 'internal', message: LONE_SURROGATE } as const,
    ].map(sanitizeEvent);
    expect(JSON.stringify(sanitized)).not.toContain(String.raw`\ud83c`);
    expect(sanitized[0]).toMatchObject({ input: { 'key\uFFFD': ['value\uFFFD', { inner: '\uFFFD' }] } });
  });

  it('leaves a lone surrogate in a delta, which the next delta may complete', () => {
    const piece: HarnessEvent = { type: 'text-delta', id: 'a', text: LONE_SURROGATE };
    expect(sanitizeEvent(piece)).toBe(piece);
  });

  it('replaces values that are nested too deep to be stored', () => {
    const shallow = call(nested(100));
    expect(sanitizeEvent(shallow)).toEqual(shallow);
    const json = JSON.stringify(sanitizeEvent(call(nested(100_000))));
    expect(json).toContain('[nested too deep]');
    expect(json.length).toBeLessThan(5000);
  });
});

import { describe, expect, it } from 'vitest';
import { parseTraceId } from './request-id.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe(parseTraceId.name, () => {
  it.each([`00-${TRACE}-00f067aa0ba902b7-01`, `01-${TRACE}-00f067aa0ba902b7-00-of-a-later-version`])(
    'is the trace of %s',
    (header) => expect(parseTraceId(header)).toBe(TRACE),
  );

  it.each([
    undefined,
    '',
    'x',
    `ff-${TRACE}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${TRACE}-00f067aa0ba902b7-01x`,
  ])('ignores %s', (header) => expect(parseTraceId(header)).toBeUndefined());
});

import { beforeEach, describe, expect, it } from 'vitest';
import { FakeResponse } from '../../../test/support/fake-response.js';
import { initialWireUsage } from '../../anthropic/usage.js';
import { messageStart } from '../../anthropic/stream-parts.js';
import { PendingJsonResponse } from './pending-json-response.js';

const START = messageStart('msg_1', 'model', initialWireUsage(null));
const MESSAGE = START.type === 'message_start' ? START.message : undefined;
const FAILED = { error: { type: 'overloaded_error', message: 'too much' } } as const;

describe('a caller that waits for JSON', () => {
  let response: FakeResponse;
  let start: number;

  beforeEach(() => {
    response = new FakeResponse();
    start = performance.now();
  });

  it('gets nothing for 30 s, then the status and a space, then a space every 15 s', () => {
    const waiting = new PendingJsonResponse(response.asResponse, undefined);
    for (const seconds of [10, 29]) waiting.tick(start + seconds * 1000);
    expect(response.headersSent).toBe(false);
    for (const seconds of [31, 40, 46.5, 50, 62]) waiting.tick(start + seconds * 1000);
    expect(response.head.map(({ status }) => status)).toEqual([200]);
    expect(response.writes).toEqual([' ', ' ', ' ']);
  });

  it('gets the message, with the status if it is not sent yet', () => {
    if (MESSAGE === undefined) throw new Error('no message');
    const waiting = new PendingJsonResponse(response.asResponse, undefined);
    expect(JSON.parse(waiting.body({ message: MESSAGE }))).toEqual(MESSAGE);
    waiting.tick(start + 31_000);
    waiting.body({ message: MESSAGE });
    expect(response.head).toEqual([{ status: 200, headers: { 'content-type': 'application/json' } }]);
  });

  it('gets a failure as an HTTP error', () => {
    const waiting = new PendingJsonResponse(response.asResponse, undefined);
    expect(() => waiting.body(FAILED)).toThrow(expect.objectContaining({ status: 529 }) as Error);
    expect(response.headersSent).toBe(false);
  });

  it('with a hard timeout is asked to retry after its limit, and gets no white space', () => {
    const waiting = new PendingJsonResponse(response.asResponse, 280_000);
    let expired = 0;
    waiting.expired$.subscribe(() => (expired += 1));
    for (const seconds of [31, 60, 279]) waiting.tick(start + seconds * 1000);
    expect([expired, response.writes]).toEqual([0, []]);
    waiting.tick(start + 281_000);
    expect(expired).toBe(1);
    const again = { status: 504, headers: { 'retry-after': '1' } };
    expect(() => waiting.body(FAILED)).toThrow(expect.objectContaining(again) as Error);
  });
});

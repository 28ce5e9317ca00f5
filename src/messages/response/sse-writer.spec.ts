import { beforeEach, describe, expect, it } from 'vitest';
import { FakeResponse } from '../../../test/support/fake-response.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import type { TranslatorSignal } from '../../translator/translator.service.js';
import { encodeSseEvent, SseWriter } from './sse-writer.js';

const DELTA: StreamEvent = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } };
const STOP: StreamEvent = { type: 'message_stop' };
const ERROR: StreamEvent = { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } };

describe('a frame', () => {
  it('names its event and has its JSON on one line, whatever the text contains', () => {
    const text = 'a\r\nb\n\ndata: c\u2028';
    const event: StreamEvent = { type: 'content_block_delta', index: 3, delta: { type: 'text_delta', text } };
    const bytes = encodeSseEvent(event, 'req_1');
    expect(bytes).toMatch(/^event: content_block_delta\ndata: [^\r\n]*\n\n$/);
    expect(JSON.parse(bytes.split('data: ').slice(1).join('data: '))).toEqual(event);
  });

  it('has the request’s id only for an error', () => {
    expect(encodeSseEvent(ERROR, 'req_1')).toContain('"request_id":"req_1"');
    expect(encodeSseEvent(DELTA, 'req_1')).not.toContain('req_1');
  });
});

describe('a stream', () => {
  let response: FakeResponse;
  let writer: SseWriter;
  let signals: TranslatorSignal[];
  let start: number;

  beforeEach(() => {
    response = new FakeResponse();
    writer = new SseWriter(response.asResponse);
    signals = [];
    writer.signals$.subscribe((signal) => signals.push(signal));
    start = performance.now();
  });

  it('sends nothing, not even its status, before its first event', () => {
    expect([response.head, response.writes]).toEqual([[], []]);
    writer.write([DELTA]);
    expect(response.head).toEqual([{ status: 200, headers: expect.any(Object) as object }]);
    writer.write([DELTA]);
    expect(response.head).toHaveLength(1);
  });

  it('sends a batch with one write', () => {
    writer.write([DELTA, STOP]);
    expect(response.writes).toEqual([encodeSseEvent(DELTA, '') + encodeSseEvent(STOP, '')]);
  });

  it('escapes characters that some readers treat as line ends', () => {
    const text = 'a\u2028b\u2029c\u0085d';
    const event: StreamEvent = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } };
    writer.write([event, STOP]);
    const [sent = ''] = response.writes;
    expect(sent).toContain(String.raw`a\u2028b\u2029c\u0085d`);
    expect(JSON.parse(sent.split(/data: |\n\n/)[1] ?? '')).toEqual(event);
  });

  it('throws an error as an HTTP error if nothing was sent', () => {
    expect(() => writer.write([ERROR])).toThrow(
      expect.objectContaining({ status: 429, message: 'slow down' }) as Error,
    );
    expect(response.headersSent).toBe(false);
  });

  it('sends a later error in band', () => {
    writer.write([DELTA]);
    writer.write([ERROR]);
    expect(response.writes.at(-1)).toContain('"request_id":"req_fake"');
    expect(writer.isComplete).toBe(false);
  });

  it('is complete once its message has stopped', () => {
    writer.write([DELTA]);
    expect(writer.isComplete).toBe(false);
    writer.write([STOP]);
    expect(writer.isComplete).toBe(true);
  });

  it('requests its start after a second of silence', () => {
    writer.tick(start + 900);
    expect(signals).toEqual([]);
    writer.tick(start + 1100);
    expect(signals).toEqual(['begin']);
    expect(response.writes).toEqual([]);
  });

  it('pings after 10 s of silence, and every 10 s from then on', () => {
    writer.write([DELTA]);
    for (const seconds of [5, 9.9, 10.1, 11, 20, 20.2]) writer.tick(start + seconds * 1000 + 50);
    expect(response.writes.slice(1)).toEqual(Array(2).fill('event: ping\ndata: {"type":"ping"}\n\n'));
    expect(signals).toEqual([]);
  });

  it('requests an empty delta after 30 s without an event, despite pings', () => {
    writer.write([DELTA]);
    for (const seconds of [10.1, 20.2, 30.3]) writer.tick(start + seconds * 1000);
    expect(signals).toEqual(['keep-alive']);
  });

  it('is pinged as well when the empty delta goes into a block that is not shown', () => {
    writer.write([DELTA]);
    for (const seconds of [10.1, 20.2, 30.3]) writer.tick(start + seconds * 1000);
    expect(response.writes).toHaveLength(4);
    writer.tick(start + 30_600);
    expect(signals).toEqual(['keep-alive']);
  });

  it('sends nothing to keep alive a caller that does not read', () => {
    writer.write([DELTA]);
    response.writableNeedDrain = true;
    for (const seconds of [11, 31, 61]) writer.tick(start + seconds * 1000);
    expect([signals, response.writes.length]).toEqual([[], 1]);
  });

  it('is ready while its caller keeps up, and signals when it can continue', () => {
    const opened: unknown[] = [];
    const subscription = writer.resumed$.subscribe(() => opened.push(writer.isReady()));
    response.writableNeedDrain = true;
    expect(writer.isReady()).toBe(false);
    response.writableNeedDrain = false;
    response.emit('drain');
    expect(opened).toEqual([true]);
    subscription.unsubscribe();
    expect(response.listenerCount('drain')).toBe(0);
  });
});

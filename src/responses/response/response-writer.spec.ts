import { beforeEach, describe, expect, it } from 'vitest';
import { FakeResponse } from '../../../test/support/fake-response.js';
import { parseResponseEvents } from '../../../test/support/response-stream.js';
import { EXAMPLE_RESPONSE } from '../wire/examples.js';
import type { ResponseEvent } from '../wire/response-event.js';
import { ResponseWriter } from './response-writer.js';

const delta = (sequence: number, item = 'msg_a_0'): ResponseEvent => ({
  type: 'response.output_text.delta',
  sequence_number: sequence,
  item_id: item,
  output_index: 0,
  content_index: 0,
  delta: 'hi',
  logprobs: [],
});
const END: ResponseEvent = { type: 'response.completed', sequence_number: 9, response: EXAMPLE_RESPONSE };

describe('a streamed response', () => {
  let response: FakeResponse;
  let start: number;

  beforeEach(() => {
    response = new FakeResponse();
    start = performance.now();
  });

  const write = (read: { readonly sequence?: number; readonly items?: readonly string[] } = {}): ResponseWriter =>
    new ResponseWriter(response.asResponse, EXAMPLE_RESPONSE, {
      sequence: read.sequence ?? -1,
      items: new Set(read.items),
    });
  const sent = () => parseResponseEvents(response.writes.join(''));

  it('has its status at once, and is complete after its last event', () => {
    const writer = write();
    expect(response.head).toMatchObject([{ status: 200 }]);
    writer.write([delta(2)]);
    expect(writer.isComplete).toBe(false);
    writer.write([END]);
    expect(writer.isComplete).toBe(true);
  });

  it('leaves out the events and the items that its reader has', () => {
    write({ sequence: 3, items: ['msg_b_1'] }).write([delta(2), delta(3), delta(4), delta(5, 'msg_b_1'), END]);
    expect(sent().map((event) => event.sequence_number)).toEqual([4, 9]);
  });

  it('repeats an event under the last number after 10 s of silence, and every 10 s from then on', () => {
    const writer = write();
    writer.write([delta(2)]);
    for (const seconds of [5, 9.9, 10.1, 11]) writer.tick(start + seconds * 1000 + 50);
    expect(sent().slice(1)).toMatchObject([{ type: 'response.in_progress', sequence_number: 2 }]);
  });

  it('is not kept alive after its end, nor for a caller that does not read', () => {
    const writer = write();
    writer.write([delta(2)]);
    response.writableNeedDrain = true;
    writer.tick(start + 20_000);
    response.writableNeedDrain = false;
    writer.write([END]);
    writer.tick(start + 60_000);
    expect(sent()).toHaveLength(2);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { FakeResponse } from '../../../test/support/fake-response.js';
import { toCompletionUsage } from '../wire/completion.js';
import { CompletionWriter } from './completion-writer.js';

const FACTS = { id: 'chatcmpl-1', created: 1, model: 'm' };
const text = { type: 'delta', delta: { content: 'hi' } } as const;
const END = { type: 'end', finishReason: 'stop', usage: toCompletionUsage(undefined) } as const;
const FAILURE = { type: 'failure', failure: { code: 'server_error', message: 'No.' }, kind: 'internal' } as const;

describe('a streamed answer', () => {
  let response: FakeResponse;
  let start: number;

  beforeEach(() => {
    response = new FakeResponse();
    start = performance.now();
  });

  const newWriter = (includesUsage = false) => new CompletionWriter(response.asResponse, FACTS, includesUsage);
  const sent = () => response.writes.join('');

  it('begins with its role, and ends with the reason and a mark', () => {
    const writer = newWriter();
    writer.write([text]);
    expect(writer.isComplete).toBe(false);
    writer.write([END]);
    expect(writer.isComplete).toBe(true);
    const chunk = (delta: string, reason = 'null') =>
      `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":null,"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}]}\n\n`;
    expect(sent()).toBe(
      `${chunk('{"role":"assistant","content":""}')}${chunk('{"content":"hi"}')}${chunk('{}', '"stop"')}data: [DONE]\n\n`,
    );
  });

  it('has the usage in a chunk of its own where the caller asks for it', () => {
    newWriter(true).write([text, END]);
    expect(sent().match(/"usage":null/g)).toHaveLength(3);
    expect(sent()).toMatch(/"choices":\[\],"usage":\{"prompt_tokens":0[^\n]*\}\n\ndata: \[DONE\]\n\n$/);
  });

  it('has no status before it has begun, and begins after a second of silence', () => {
    const writer = newWriter();
    writer.write([]);
    writer.tick(start + 900);
    expect(response.head).toEqual([]);
    writer.tick(start + 1100);
    expect(response.head).toMatchObject([{ status: 200 }]);
    expect(sent()).toContain('"role":"assistant"');
  });

  it('has its failure as a status before it has begun, and as an error without the mark later', () => {
    expect(() => newWriter().write([FAILURE])).toThrow('No.');
    expect(response.head).toEqual([]);
    const writer = newWriter();
    writer.write([text, FAILURE]);
    expect(writer.isComplete).toBe(false);
    expect(sent()).toMatch(
      /data: \{"error":\{"message":"No\.","type":"server_error","param":null,"code":"server_error"\}\}\n\n$/,
    );
  });

  it('gets an empty delta after 10 s of silence, but not for a caller that does not read, nor after its end', () => {
    const writer = newWriter();
    writer.write([text]);
    writer.tick(start + 9_000);
    writer.tick(start + 10_500);
    expect(sent().match(/"delta":\{\}/g)).toHaveLength(1);
    response.writableNeedDrain = true;
    writer.tick(start + 40_000);
    response.writableNeedDrain = false;
    writer.write([END]);
    writer.tick(start + 60_000);
    // The last one has the reason.
    expect(sent().match(/"delta":\{\}/g)).toHaveLength(2);
  });
});

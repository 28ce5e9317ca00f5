import { afterEach, describe, expect, it, vi } from 'vitest';
import { skipAhead } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import type { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { CLAUDE_CODE, ConformanceServer } from './support/server.js';

const server = new ConformanceServer({ turnTimeoutMs: 7_200_000, harnessStallMs: 7_200_000 });

afterEach(() => {
  vi.restoreAllMocks();
});

const deltas = (stream: SseClient): number => stream.types.filter((type) => type === 'content_block_delta').length;
const pings = (stream: SseClient): number => stream.types.filter((type) => type === 'ping').length;

describe('a stream', () => {
  it('A.11 starts within seconds, before the agent has emitted anything', async () => {
    const { stream, run } = await server.held('not a word');
    skipAhead(1100);
    await stream.sees('message_start');
    expect([stream.status, stream.types]).toEqual([200, ['message_start']]);
    run.answer('at last');
    await stream.done();
    expect(checkGrammar(stream.events)).toEqual([]);
  });

  it('A.11 has a ping for every 10 s of silence', async () => {
    const { stream, run } = await server.held('pings');
    run.say({ type: 'text-delta', id: 'a', text: 'open' });
    await stream.sees('open');
    for (const [count, seconds] of [10.5, 21].entries()) {
      skipAhead(seconds * 1000);
      await eventually(() => pings(stream)).toBe(count + 1);
    }
    expect(deltas(stream)).toBe(1);
    run.end();
    await stream.done();
  });

  it.each(['text', 'thinking'] as const)(
    'A.11 has an empty delta of the open %s block every 30 s, because clients stop waiting on pings alone after 600 s',
    async (kind) => {
      const { stream, run } = await server.held(`open ${kind}`);
      run.say({ type: `${kind}-delta`, id: 'a', text: 'open' });
      await stream.sees('open');
      for (const [count, seconds] of [31, 62].entries()) {
        skipAhead(seconds * 1000);
        await eventually(() => deltas(stream)).toBe(count + 2);
      }
      const empty = kind === 'text' ? { type: 'text_delta', text: '' } : { type: 'thinking_delta', thinking: '' };
      expect(stream.events.findLast((event) => event.type === 'content_block_delta')).toEqual({
        type: 'content_block_delta',
        index: 0,
        delta: empty,
      });
      run.end({ type: `${kind}-delta`, id: 'a', text: ' still' }, { type: 'block-end', id: 'a' });
      await stream.done();
      expect(checkGrammar(stream.events)).toEqual([]);
      expect(stream.text).toContain(' still');
    },
  );

  it('A.11 has the empty delta in a separate thinking block, which clients hide, when no block is open', async () => {
    const body = server.conversation('none is open');
    const { stream, run } = await server.held('none is open', body);
    run.say({ type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'make' } });
    await stream.sees('mcp_tool_use');
    skipAhead(31_000);
    await stream.sees('thinking_delta');
    expect(stream.said).toBe('');
    run.end({ type: 'tool-result', id: 't', content: [], isError: false });
    await stream.done();
    expect(checkGrammar(stream.events)).toEqual([]);
    // Keep-alive deltas are not part of the message.
    const whole = await server.post(body, thread('none is open'));
    expect(whole.text).not.toContain('"type":"thinking"');
  });

  it('A.11 has the empty delta even if thinking is not shown', async () => {
    const omitted = ask('omitted', { thinking: { type: 'adaptive', display: 'omitted' } });
    const disabled = ask('disabled', { thinking: { type: 'disabled' } });
    const held = [await server.held('omitted', omitted), await server.held('disabled', disabled)];
    skipAhead(1100);
    for (const { stream } of held) await stream.sees('message_start');
    skipAhead(33_000);
    for (const { stream, run } of held) {
      await stream.sees('"delta":{"type":"thinking_delta","thinking":""}');
      run.answer('done');
      await stream.done();
      expect(checkGrammar(stream.events)).toEqual([]);
    }
  });

  it('A.11 stays open for 1300 s of silence, has a delta at least every 240 s, and ends normally', async () => {
    const { stream, run } = await server.held('silence');
    run.say({ type: 'text-delta', id: 'a', text: 'open' });
    await stream.sees('open');
    for (let seconds = 240; seconds < 1540; seconds += 240) {
      const before = deltas(stream);
      skipAhead(seconds * 1000);
      await eventually(() => deltas(stream)).toBeGreaterThan(before);
    }
    run.end({ type: 'text-delta', id: 'a', text: ' and shut' });
    await stream.done();
    expect(stream.said).toBe('open and shut');
    expect(checkGrammar(stream.events)).toEqual([]);
  });

  it('A.11 of a queued turn is kept alive too', async () => {
    const { stream: first, run } = await server.held('in front', ask('in front'), thread('queue'));
    const second = server.open(ask('behind', { stream: true }), thread('queue'));
    skipAhead(1100);
    await second.sees('message_start');
    skipAhead(33_000);
    await second.sees('thinking_delta');
    run.end();
    await Promise.all([first.done(), second.done()]);
    expect(second.said).toBe('fine');
    expect(checkGrammar(second.events)).toEqual([]);
  });
});

describe('a turn', () => {
  it('A.4 A.11 that exceeds the time limit ends as end_turn, with a notice in its text', async () => {
    const { stream, run } = await server.held('for ever');
    run.say({ type: 'text-delta', id: 'a', text: 'on and on' });
    await stream.sees('on and on');
    skipAhead(7_201_000);
    await stream.done();
    expect(stream.said).toMatch(/^on and on\[Turn stopped: it exceeded this server's time limit of 7200 s/);
    expect(stream.events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' } });
    expect(checkGrammar(stream.events)).toEqual([]);
  });
});

describe('a caller that does not stream', () => {
  it('A.11 gets headers after 30 s and then white space, so that SDKs wait without a limit', async () => {
    server.waits('patient');
    const caller = server.open(ask('patient'), thread('patient'));
    const run = await server.harness.run('patient');
    skipAhead(31_000);
    await eventually(() => caller.text).toBe(' ');
    expect([caller.status, caller.headers['content-type']]).toEqual([200, 'application/json']);
    skipAhead(47_000);
    await eventually(() => caller.text).toBe('  ');
    run.answer('finally');
    await caller.done();
    expect(JSON.parse(caller.text)).toMatchObject({ content: [{ text: 'finally' }] });
  });

  it('A.11 gets a retryable timeout before 300 s if it is Claude Code, and its retry waits for the same turn', async () => {
    const headers = { ...CLAUDE_CODE, ...thread('impatient') };
    const body = server.conversation('impatient', { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] });
    server.waits('impatient');
    const first = server.open(body, headers);
    const run = await server.harness.run('impatient');
    skipAhead(295_000);
    await first.done();
    expect([first.status, first.headers['retry-after']]).toEqual([504, '1']);
    vi.restoreAllMocks();
    const second = server.open(body, headers);
    run.answer('worth it');
    await second.done();
    expect(JSON.parse(second.text)).toMatchObject({ content: [{ text: 'worth it' }] });
    expect(server.harness.runsOf('impatient')).toHaveLength(1);
  });
});

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';
import { decodePiRecording } from '../__fixtures__/recordings.js';
import { decodePi } from './decode.js';
import { PI_START } from './state.js';

const textOf = (events: readonly HarnessEvent[]): string =>
  events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])).join('');
const endOf = (events: readonly HarnessEvent[]) => events.at(-1);
const toolsOf = (events: readonly HarnessEvent[]) =>
  events.filter((event) => event.type === 'tool-call' || event.type === 'tool-result');
const usageOf = (events: readonly HarnessEvent[]) =>
  events.flatMap((event) => (event.type === 'model-call-end' ? [event.usage] : []));

const recordings = readdirSync(new URL('../__fixtures__', import.meta.url))
  .filter((name) => /^pi-(?!1\.6\.0-session).*\.jsonl$/.test(name))
  .map((name) => name.replace('.jsonl', ''));

describe.each(recordings)('the recording %s', (name) => {
  it('ends every block that it begins, every call of a tool and of a model, and nothing twice', () => {
    for (const events of decodePiRecording(name)) {
      const ids = (type: HarnessEvent['type']) =>
        events.flatMap((event) => (event.type === type && 'id' in event ? [event.id] : []));
      const begun = new Set([...ids('text-delta'), ...ids('thinking-delta')]);
      const isWhole = !name.includes('kill9');
      if (isWhole) expect(new Set(ids('block-end'))).toEqual(begun);
      expect(ids('block-end')).toHaveLength(new Set(ids('block-end')).size);
      expect(ids('tool-result')).toEqual(ids('tool-result').filter((id) => ids('tool-call').includes(id)));
      const count = (type: HarnessEvent['type']) => events.filter((event) => event.type === type).length;
      if (isWhole) expect(count('model-call-end')).toBe(count('model-call-start'));
    }
  });

  it('has one end for each turn of 1.6.0, at its end, and none of 0.74.2, which does not tell it', () => {
    for (const events of decodePiRecording(name)) {
      const places = events.flatMap((event, index) => (isTurnEnd(event) ? [index] : []));
      const isCut = name.includes('kill9') && places.length === 0;
      expect(places).toEqual(name.startsWith('pi-0.74.2') || isCut ? [] : [events.length - 1]);
    }
  });
});

describe('pi 1.6.0', () => {
  it('tells a text in pieces, with the tokens of its call', () => {
    const [first = []] = decodePiRecording('pi-1.6.0-text-tool');
    const usage = {
      inputTokens: 100,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 20,
      cacheCreation1hInputTokens: 8,
    };
    expect(first).toEqual([
      {
        type: 'model-call-start',
        model: 'claude-opus-5-5',
        usage: { ...usage, outputTokens: 0, thinkingTokens: 0 },
      },
      { type: 'text-delta', id: 'm1795868978744-0', text: 'hello ' },
      { type: 'text-delta', id: 'm1795868978744-0', text: 'there' },
      { type: 'block-end', id: 'm1795868978744-0' },
      { type: 'model-call-end', model: 'claude-opus-5-5', usage: { ...usage, outputTokens: 3, thinkingTokens: 0 } },
      { type: 'turn-end', reason: 'end_turn' },
    ]);
  });

  it('tells a tool with its input and its output, and counts both calls of the model', () => {
    const [, second = []] = decodePiRecording('pi-1.6.0-text-tool');
    expect(toolsOf(second)).toEqual([
      {
        type: 'tool-call',
        id: 'toolu_01scripted2x0',
        name: 'bash',
        server: 'agent',
        input: { command: 'echo hi; pwd', description: 'Run a command' },
      },
      {
        type: 'tool-result',
        id: 'toolu_01scripted2x0',
        content: [{ type: 'text', text: 'hi\n/workspace\n' }],
        isError: false,
      },
    ]);
    expect(usageOf(second).map(({ cacheReadInputTokens }) => cacheReadInputTokens)).toEqual([0, 300]);
  });

  it('tells tools that run at once, and which of them failed', () => {
    const [events = []] = decodePiRecording('pi-1.6.0-parallel');
    expect(toolsOf(events).map((event) => [event.type, event.id.at(-1)])).toEqual([
      ['tool-call', '0'],
      ['tool-call', '1'],
      ['tool-result', '1'],
      ['tool-result', '0'],
    ]);
    expect(events.flatMap((event) => (event.type === 'tool-result' ? [event.isError] : []))).toEqual([true, false]);
  });

  it.each([
    ['error-400', 'bad_request', 'scripted invalid_request_error'],
    ['error-401', 'authentication', 'scripted authentication_error'],
    ['error-429', 'rate_limit', 'scripted rate_limit_error'],
    ['error-529', 'overloaded', 'scripted overloaded_error'],
    ['too-long', 'context_too_long', 'prompt is too long: 210000 tokens > 200000 maximum'],
  ])('fails as its model did: %s', (name, kind, message) => {
    const [events = []] = decodePiRecording(`pi-1.6.0-${name}`);
    expect(endOf(events)).toEqual({ type: 'turn-failed', kind, message });
    expect(usageOf(events)).toEqual([]);
  });

  it('tells each time that it asks its model again', () => {
    const [events = []] = decodePiRecording('pi-1.6.0-error-529');
    expect(events.filter(({ type }) => type === 'notice')).toEqual(
      Array.from({ length: 3 }, () => ({ type: 'notice', kind: 'retrying', message: 'scripted overloaded_error' })),
    );
  });

  it.each([
    ['max-tokens', { type: 'turn-end', reason: 'max_tokens' }],
    ['window', { type: 'turn-end', reason: 'model_context_window_exceeded' }],
    [
      'refusal',
      { type: 'turn-end', reason: 'refusal', refusal: { category: null, explanation: 'A scripted explanation.' } },
    ],
  ])('ends as its model did: %s', (name, end) => {
    const [events = []] = decodePiRecording(`pi-1.6.0-${name}`);
    expect(endOf(events)).toEqual(end);
  });

  it.each(['abort-text', 'abort-tool', 'abort-retry'])('is interrupted, and runs another turn: %s', (name) => {
    const [first = [], second = []] = decodePiRecording(`pi-1.6.0-${name}`);
    expect(endOf(first)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    expect(textOf(second)).toBe('again');
    expect(endOf(second)).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });

  it('tells when it hears further messages, and not the prompt', () => {
    const [events = []] = decodePiRecording('pi-1.6.0-steer');
    expect(events.flatMap((event) => (event.type === 'user-message' ? [event.id] : []))).toEqual([
      'further-1',
      'further-2',
    ]);
    expect(textOf(events)).toBe('Let me run it.heard oneheard two');
  });

  it('tells at most every ten seconds that a tool runs', () => {
    let now = 0;
    const [events = []] = decodePiRecording('pi-1.6.0-text-tool', () => now);
    expect(events.filter(({ type }) => type === 'notice')).toEqual([]);
    const clock = () => (now += 11_000);
    const [, second = []] = decodePiRecording('pi-1.6.0-text-tool', clock);
    expect(second.filter(({ type }) => type === 'notice')).toEqual([
      { type: 'notice', kind: 'progress', message: 'bash has been running for 11 s' },
      { type: 'notice', kind: 'progress', message: 'bash has been running for 22 s' },
    ]);
  });

  it('counts what a compaction has asked its model', () => {
    const usage = { input: 7, output: 3, cacheRead: 0, cacheWrite: 0 };
    const [, events] = decodePi(PI_START, { type: 'compaction_end', result: { usage } }, 0);
    expect(events.map(({ type }) => type)).toEqual(['model-call-start', 'model-call-end']);
    expect(decodePi(PI_START, { type: 'compaction_start', reason: 'threshold' }, 0)[1]).toMatchObject([
      { type: 'notice', kind: 'compacting' },
    ]);
  });

  it('names the server of a tool of an MCP server', () => {
    const event = { type: 'tool_execution_start', toolCallId: 'c', toolName: 'mcp__files__read_all', args: {} };
    expect(decodePi(PI_START, event, 0)[1]).toEqual([
      { type: 'tool-call', id: 'c', name: 'read_all', server: 'files', input: {} },
    ]);
  });

  it('tells a text that came in one piece', () => {
    const content = [{ type: 'text', text: 'whole' }];
    const message = { role: 'assistant', content, stopReason: 'stop', timestamp: 5, usage: {} };
    const [state] = decodePi(PI_START, { type: 'message_start', message: { ...message, content: [] } }, 0);
    expect(decodePi(state, { type: 'message_end', message }, 0)[1]).toMatchObject([
      { type: 'text-delta', id: 'm5-0', text: 'whole' },
      { type: 'block-end', id: 'm5-0' },
      { type: 'model-call-end' },
    ]);
  });
});

describe('pi 0.74.2', () => {
  it.each([
    ['text', 'PONG'],
    ['system', 'PONG'],
  ])('says the same: %s', (name, text) => {
    expect(textOf(decodePiRecording(`pi-0.74.2-${name}`)[0] ?? [])).toContain(text);
  });

  it('tells its tools', () => {
    expect(toolsOf(decodePiRecording('pi-0.74.2-tool')[0] ?? []).map(({ type }) => type)).toEqual([
      'tool-call',
      'tool-result',
    ]);
  });
});

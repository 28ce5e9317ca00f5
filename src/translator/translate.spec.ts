// Long because every kind of event, in every phase of a message, is tried here.
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../test/support/stream-grammar.js';
import type { FailureKind, HarnessEvent, TokenUsage, TurnEndReason } from '../domain/harness-event.js';
import type { StreamEvent } from '../anthropic/stream-event.js';
import {
  forceStart,
  endOfEvents,
  keepAlive,
  initialState,
  translateEvent,
  translateEvents,
  type TranslateOptions,
} from './translate.js';

const known: TokenUsage = {
  inputTokens: 11,
  outputTokens: 12,
  cacheReadInputTokens: 13,
  cacheCreationInputTokens: 14,
  thinkingTokens: 15,
};
const options: TranslateOptions = { messageId: 'msg_1', model: 'model-x', knownUsage: known };

const text = (id: string, words: string): HarnessEvent => ({ type: 'text-delta', id, text: words });
const thinking = (id: string, words: string): HarnessEvent => ({ type: 'thinking-delta', id, text: words });
const blockEnd = (id: string, signature?: string): HarnessEvent =>
  signature === undefined ? { type: 'block-end', id } : { type: 'block-end', id, signature };
const turnEnd: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };
const callStart: HarnessEvent = {
  type: 'model-call-start',
  model: 'model-y',
  usage: { ...known, inputTokens: 21, outputTokens: 1 },
};
const callEnd = (usage: TokenUsage): HarnessEvent => ({ type: 'model-call-end', model: 'model-y', usage });
const failed = (kind: FailureKind, message: string): HarnessEvent => ({ type: 'turn-failed', kind, message });

/** Every stream event of these harness events, none of which breaks the grammar as far as it goes. */
function translated(...events: HarnessEvent[]): readonly StreamEvent[] {
  const [state, sent] = translateEvents(initialState(options), events);
  expect(checkGrammar([...sent, ...endOfEvents(state)[1]])).toEqual([]);
  return sent;
}

/** The same without `message_start`, one short line each. */
function lines(...events: HarnessEvent[]): readonly string[] {
  return translated(...events)
    .filter((event) => event.type !== 'message_start')
    .map(line);
}

function line(event: StreamEvent): string {
  switch (event.type) {
    case 'content_block_start':
      return `${event.index} ${JSON.stringify(event.content_block)}`;
    case 'content_block_delta':
      return `${event.index} ${event.delta.type} ${Object.values(event.delta)[1]}`;
    case 'content_block_stop':
      return `${event.index} stop`;
    case 'message_delta':
      return `message_delta ${event.delta.stop_reason}`;
    case 'error':
      return `error ${event.error.type}: ${event.error.message}`;
    default:
      return event.type;
  }
}

const TEXT = '{"type":"text","text":"","citations":null}';
const THINKING = '{"type":"thinking","thinking":"","signature":""}';

describe('the start of a message', () => {
  it('has every field that the SDK types as required', () => {
    expect(translated(text('a', 'hi'))[0]).toEqual({
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'model-x',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        container: null,
        diagnostics: null,
        context_management: null,
        usage: {
          input_tokens: 11,
          output_tokens: 0,
          cache_read_input_tokens: 13,
          cache_creation_input_tokens: 14,
          cache_creation: null,
          output_tokens_details: null,
          server_tool_use: null,
          service_tier: 'standard',
          speed: null,
          inference_geo: null,
          iterations: null,
        },
      },
    });
  });

  it('has zero usage for a new thread whose first event is not a model call', () => {
    const [, sent] = translateEvent(initialState({ ...options, knownUsage: null }), text('a', 'hi'));
    expect(sent[0]).toMatchObject({
      message: { usage: { input_tokens: 0, cache_read_input_tokens: 0, cache_creation: null } },
    });
  });

  it('is the same for readers that attach before and after the first model call', () => {
    expect(translated(callStart)).toEqual(forceStart(initialState(options))[1]);
    expect(translated(text('a', 'hi'))[0]).toEqual(translated(callStart)[0]);
  });

  it.each<HarnessEvent>([
    { type: 'session-started', sessionId: 's' },
    { type: 'notice', kind: 'retrying', message: 'again' },
    { type: 'attempt-start', attempt: 2 },
  ])('waits after $type', (event) => {
    expect(translated(event)).toEqual([]);
    expect(translated(text('a', 'hi'), event).filter(({ type }) => type === 'message_start')).toHaveLength(1);
  });

  it.each<HarnessEvent>([
    text('a', ''),
    thinking('a', ''),
    blockEnd('a'),
    callStart,
    callEnd(known),
    { type: 'tool-call', id: 'x', name: 'n', server: 's', input: {} },
    { type: 'tool-result', id: 'x', content: [], isError: false },
    { type: 'caller-tool-call', id: 'x', name: 'n', input: {} },
    turnEnd,
  ])('comes at once with $type, and once only', (event) => {
    expect(translated(event, callStart, event).map(({ type }) => type)).toContain('message_start');
    expect(translated(event, callStart).filter(({ type }) => type === 'message_start')).toHaveLength(1);
    expect(translated(event)[0]?.type).toBe('message_start');
  });

  it('can be forced once, with the known usage of the thread', () => {
    const [begun, sent] = forceStart(initialState(options));
    expect(sent).toMatchObject([{ type: 'message_start', message: { usage: { input_tokens: 11, output_tokens: 0 } } }]);
    expect(forceStart(begun)).toEqual([begun, []]);
    expect(translateEvent(begun, callStart)).toEqual([begun, []]);
  });
});

describe('text and thinking', () => {
  it('stream into one block while the harness uses the same block id', () => {
    expect(lines(text('a', 'he'), text('a', ''), text('a', 'llo'), blockEnd('a'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta he',
      '0 text_delta llo',
      '0 stop',
    ]);
  });

  it('neither open nor close a block when empty', () => {
    expect(lines(text('a', ''), thinking('b', ''), blockEnd('a'))).toEqual([]);
    expect(lines(text('a', '1'), text('b', ''), thinking('a', ''), text('a', '2'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta 1',
      '0 text_delta 2',
    ]);
  });

  it('get a new block whenever the harness switches blocks, even back to an earlier one', () => {
    expect(lines(text('a', '1'), text('b', '2'), text('a', '3'), thinking('a', '4'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta 1',
      '0 stop',
      `1 ${TEXT}`,
      '1 text_delta 2',
      '1 stop',
      `2 ${TEXT}`,
      '2 text_delta 3',
      '2 stop',
      `3 ${THINKING}`,
      '3 thinking_delta 4',
    ]);
  });

  it('end a thinking block with its one signature', () => {
    expect(lines(thinking('a', 'hm'), blockEnd('a', 'signed'), blockEnd('a', 'again'))).toEqual([
      `0 ${THINKING}`,
      '0 thinking_delta hm',
      '0 signature_delta signed',
      '0 stop',
    ]);
  });

  it('end a thinking block with an empty signature if the harness sends none or another event comes', () => {
    expect(lines(thinking('a', 'hm'), blockEnd('a'), thinking('b', 'so'), text('c', 'yes'))).toEqual([
      `0 ${THINKING}`,
      '0 thinking_delta hm',
      '0 signature_delta ',
      '0 stop',
      `1 ${THINKING}`,
      '1 thinking_delta so',
      '1 signature_delta ',
      '1 stop',
      `2 ${TEXT}`,
      '2 text_delta yes',
    ]);
  });

  it('stay open when a block that is not open ends', () => {
    expect(lines(text('a', '1'), blockEnd('b'), text('a', '2'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta 1',
      '0 text_delta 2',
    ]);
  });

  it('wait for the low surrogate of a split pair', () => {
    expect(lines(text('a', '\ud83d'), text('a', '\ude00!\ud83d'), callStart, text('a', '\ude01'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta 😀!',
      '0 text_delta 😁',
    ]);
  });

  it('replace a lone surrogate when its block ends', () => {
    expect(lines(thinking('a', 'x\ud83d'), text('b', '\ude00'))).toEqual([
      `0 ${THINKING}`,
      '0 thinking_delta x',
      '0 thinking_delta \ufffd',
      '0 signature_delta ',
      '0 stop',
      `1 ${TEXT}`,
      '1 text_delta \ufffd',
    ]);
  });

  it('allocate no new state per token', () => {
    const [open] = translateEvent(initialState(options), text('a', 'first'));
    expect(translateEvent(open, text('a', 'second'))[0]).toBe(open);
  });
});

describe('inner tools', () => {
  it('have their complete input in the start of their block', () => {
    const call: HarnessEvent = {
      type: 'tool-call',
      id: 'toolu_7',
      name: 'Bash',
      server: 'agent',
      input: { command: 'ls' },
    };
    expect(lines(text('a', 'look'), call, text('a', 'more'))).toEqual([
      `0 ${TEXT}`,
      '0 text_delta look',
      '0 stop',
      '1 {"type":"mcp_tool_use","id":"mcptoolu_7","name":"Bash","server_name":"agent","input":{"command":"ls"}}',
      '1 stop',
      `2 ${TEXT}`,
      '2 text_delta more',
    ]);
  });

  it('return text; an image becomes a placeholder', () => {
    const result: HarnessEvent = {
      type: 'tool-result',
      id: 'call_7',
      content: [
        { type: 'text', text: 'a file' },
        { type: 'image', mediaType: 'image/png', data: 'AAAA' },
      ],
      isError: true,
    };
    expect(translated(thinking('a', 'hm'), result).slice(3)).toEqual([
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: '' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: {
          type: 'mcp_tool_result',
          tool_use_id: 'mcptoolu_7',
          is_error: true,
          content: [
            { type: 'text', text: 'a file', citations: null },
            { type: 'text', text: '[image image/png]', citations: null },
          ],
        },
      },
      { type: 'content_block_stop', index: 1 },
    ]);
  });
});

describe("a caller's tool", () => {
  it('is a tool_use whose input comes as one delta', () => {
    const call: HarnessEvent = { type: 'caller-tool-call', id: 'c1', name: 'weather', input: { city: 'Paris' } };
    expect(lines(text('a', 'look'), call, { type: 'turn-end', reason: 'tool_use' })).toEqual([
      `0 ${TEXT}`,
      '0 text_delta look',
      '0 stop',
      '1 {"type":"tool_use","id":"c1","name":"weather","input":{}}',
      '1 input_json_delta {"city":"Paris"}',
      '1 stop',
      'message_delta tool_use',
      'message_stop',
    ]);
  });
});

describe('a new attempt', () => {
  it('closes the open block of the dead attempt, and emits nothing else', () => {
    expect(lines(thinking('a', 'hm'), { type: 'attempt-start', attempt: 2 }, thinking('a', 'hm'))).toEqual([
      `0 ${THINKING}`,
      '0 thinking_delta hm',
      '0 signature_delta ',
      '0 stop',
      `1 ${THINKING}`,
      '1 thinking_delta hm',
    ]);
  });
});

describe('the end of a turn', () => {
  it.each<[TurnEndReason, string]>([
    ['end_turn', 'end_turn'],
    ['max_tokens', 'max_tokens'],
    ['stop_sequence', 'stop_sequence'],
    ['tool_use', 'tool_use'],
    ['refusal', 'refusal'],
    ['model_context_window_exceeded', 'model_context_window_exceeded'],
    ['interrupted', 'end_turn'],
  ])('for the reason %s has the stop reason %s', (reason, told) => {
    expect(lines(text('a', '1'), { type: 'turn-end', reason })).toEqual([
      `0 ${TEXT}`,
      '0 text_delta 1',
      '0 stop',
      `message_delta ${told}`,
      'message_stop',
    ]);
  });

  it('is a complete message even without content', () => {
    expect(translated(turnEnd).map(({ type }) => type)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  it('reports the usage of all model calls and of each', () => {
    const second: TokenUsage = {
      ...known,
      inputTokens: 100,
      outputTokens: 200,
      cacheCreation1hInputTokens: 9,
      thinkingTokens: 50,
    };
    expect(translated(callStart, callEnd(known), callStart, callEnd(second), turnEnd).at(-2)).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
      usage: {
        input_tokens: 111,
        output_tokens: 212,
        cache_read_input_tokens: 26,
        cache_creation_input_tokens: 28,
        cache_creation: { ephemeral_5m_input_tokens: 19, ephemeral_1h_input_tokens: 9 },
        output_tokens_details: { thinking_tokens: 65 },
        server_tool_use: null,
        service_tier: 'standard',
        speed: null,
        inference_geo: null,
        iterations: [
          {
            type: 'message',
            model: 'model-y',
            input_tokens: 11,
            output_tokens: 12,
            cache_read_input_tokens: 13,
            cache_creation_input_tokens: 14,
            cache_creation: { ephemeral_5m_input_tokens: 14, ephemeral_1h_input_tokens: 0 },
          },
          {
            type: 'message',
            model: 'model-y',
            input_tokens: 100,
            output_tokens: 200,
            cache_read_input_tokens: 13,
            cache_creation_input_tokens: 14,
            cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 9 },
          },
        ],
      },
      context_management: null,
    });
  });

  it("prefers the harness's own total, and has null iterations without model calls", () => {
    const end: HarnessEvent = { type: 'turn-end', reason: 'stop_sequence', stopSequence: 'END', usage: known };
    expect(translated(callEnd({ ...known, inputTokens: 1 }), end).at(-2)).toMatchObject({
      delta: { stop_sequence: 'END' },
      usage: { input_tokens: 11, output_tokens_details: { thinking_tokens: 15 }, iterations: [{ input_tokens: 1 }] },
    });
    expect(translated(end).at(-2)).toMatchObject({ usage: { input_tokens: 11, iterations: null } });
  });

  it.each<HarnessEvent>([turnEnd, failed('internal', 'broken')])(
    '($type) is the last thing that a caller sees',
    (end) => {
      const [done] = translateEvent(initialState(options), end);
      expect(translateEvent(done, text('a', 'late'))).toEqual([done, []]);
      expect(translateEvent(done, failed('internal', 'late'))).toEqual([done, []]);
      expect(forceStart(done)).toEqual([done, []]);
      expect(keepAlive(done)).toEqual([done, []]);
      expect(endOfEvents(done)).toEqual([done, []]);
    },
  );
});

describe('a refusal', () => {
  it('has the reason that the provider reports', () => {
    const refusal = { category: 'cyber', explanation: 'No.' };
    const details = (event: HarnessEvent) =>
      translated(event).flatMap((one) => (one.type === 'message_delta' ? [one.delta.stop_details] : []));
    expect(details({ type: 'turn-end', reason: 'refusal', refusal })).toEqual([{ type: 'refusal', ...refusal }]);
    expect(details({ type: 'turn-end', reason: 'refusal' })).toEqual([
      { type: 'refusal', category: null, explanation: null },
    ]);
    expect(details({ type: 'turn-end', reason: 'max_tokens', refusal })).toEqual([null]);
  });
});

describe('a failure', () => {
  it('before anything was sent is only an error, so that it can become a status', () => {
    expect(translated({ type: 'session-started', sessionId: 's' }, failed('overloaded', 'busy'))).toEqual([
      { type: 'error', error: { type: 'overloaded_error', message: 'busy' } },
    ]);
  });

  it('later closes the open block and is the last event', () => {
    expect(lines(thinking('a', 'hm'), failed('rate_limit', 'slow down'))).toEqual([
      `0 ${THINKING}`,
      '0 thinking_delta hm',
      '0 signature_delta ',
      '0 stop',
      'error rate_limit_error: slow down',
    ]);
  });

  it.each([
    ['too much', 'prompt is too long: too much'],
    ['Prompt is too long', 'prompt is too long'],
    ['400 prompt is too long: 5 > 4', '400 prompt is too long: 5 > 4'],
  ])('of a too long context (%s) has the words that make Claude Code compact', (message, told) => {
    expect(lines(failed('context_too_long', message))).toEqual([`error invalid_request_error: ${told}`]);
  });

  it('is the result of a turn whose events stop without an end', () => {
    const error = 'error api_error: The agent stopped before its turn ended.';
    expect(endOfEvents(initialState(options))[1].map(line)).toEqual([error]);
    const [open] = translateEvent(initialState(options), text('a', 'hi'));
    expect(endOfEvents(open)[1].map(line)).toEqual(['0 stop', error]);
    expect(endOfEvents(endOfEvents(open)[0])[1]).toEqual([]);
  });
});

describe('keeping a connection alive', () => {
  it.each([
    [text('a', 'hi'), 'text_delta'],
    [thinking('a', 'hi'), 'thinking_delta'],
  ])('is an empty delta of the open block', (event, deltaType) => {
    const [open] = translateEvent(initialState(options), event);
    const [after, sent] = keepAlive(open);
    expect(sent.map(line)).toEqual([`0 ${deltaType} `]);
    expect(after).toBe(open);
  });

  it('starts the message and opens a thinking block if none is open', () => {
    const [open, sent] = keepAlive(initialState(options));
    expect(sent.map(line)).toEqual(['message_start', `0 ${THINKING}`, '0 thinking_delta ']);
    expect(keepAlive(open)[1].map(line)).toEqual(['0 thinking_delta ']);
    const [, more] = translateEvents(open, [callStart, thinking('a', 'hm')]);
    expect(more.map(line)).toEqual(['0 signature_delta ', '0 stop', `1 ${THINKING}`, '1 thinking_delta hm']);
  });

  it('opens its block after the earlier blocks', () => {
    const [open] = translateEvents(initialState(options), [text('a', 'hi'), blockEnd('a')]);
    expect(keepAlive(open)[1].map(line)).toEqual([`1 ${THINKING}`, '1 thinking_delta ']);
  });

  const progress = (message: string): HarnessEvent => ({ type: 'notice', kind: 'progress', message });

  it("shows the agent's progress once if callers see thinking", () => {
    const begun = forceStart(initialState({ ...options, showsProgress: true }))[0];
    const [open] = translateEvents(begun, [
      progress('Bash has been running for 20 s'),
      progress('Bash has been running for 30 s'),
    ]);
    const [told, sent] = keepAlive(open);
    expect(sent.map(line)).toEqual([`0 ${THINKING}`, '0 thinking_delta Bash has been running for 30 s\n']);
    expect(keepAlive(told)[1].map(line)).toEqual(['0 thinking_delta ']);
    const [again] = translateEvent(told, progress('Bash has been running for 60 s'));
    expect(keepAlive(again)[1].map(line)).toEqual(['0 thinking_delta Bash has been running for 60 s\n']);
  });

  it('shows no progress inside a block of the agent, or if thinking is not shown', () => {
    const telling = forceStart(initialState({ ...options, showsProgress: true }))[0];
    const [speaking] = translateEvents(telling, [text('a', 'hi'), progress('working')]);
    expect(keepAlive(speaking)[1].map(line)).toEqual(['0 text_delta ']);
    const [silent] = translateEvent(forceStart(initialState(options))[0], progress('working'));
    expect(keepAlive(silent)[1].map(line)).toEqual([`0 ${THINKING}`, '0 thinking_delta ']);
  });

  it('keeps a held surrogate', () => {
    const [open] = translateEvent(initialState(options), text('a', '\ud83d'));
    const [after] = keepAlive(open);
    expect(translateEvent(after, text('a', '\ude00'))[1].map(line)).toEqual(['0 text_delta 😀']);
  });
});

describe('any order of events', () => {
  const any: readonly HarnessEvent[] = [
    text('a', 'x'),
    text('b', '\ud83d'),
    text('b', '\ude00'),
    thinking('a', 'y\ud83d'),
    thinking('c', ''),
    blockEnd('a', 'signed'),
    blockEnd('b'),
    { type: 'tool-call', id: 'call_1', name: 'n', server: 's', input: { deep: [1] } },
    { type: 'tool-result', id: 'call_1', content: [], isError: false },
    { type: 'caller-tool-call', id: '1', name: 'n', input: {} },
    { type: 'attempt-start', attempt: 2 },
    { type: 'notice', kind: 'progress', message: '' },
    callStart,
    callEnd(known),
  ];

  it('follows the grammar, with keep-alives anywhere', () => {
    let seed = 1;
    const next = (below: number): number => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const sent: StreamEvent[] = [];
      let state = initialState(options);
      for (let count = next(25); count >= 0; count -= 1) {
        const event = any[next(any.length)];
        const [after, out] = event === undefined || next(5) === 0 ? keepAlive(state) : translateEvent(state, event);
        state = after;
        sent.push(...out);
      }
      const [, last] = next(2) === 0 ? translateEvent(state, turnEnd) : endOfEvents(state);
      expect(checkGrammar([...sent, ...last])).toEqual([]);
    }
  });
});

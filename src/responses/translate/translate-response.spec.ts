// Over 250 lines: every kind of event, in both forms of the answer.
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { ResponseEvent } from '../wire/response-event.js';
import { EXAMPLE_RESPONSE } from '../wire/examples.js';
import { initialResponseState, type ResponseView } from './response-state.js';
import { endResponse, startResponse, translateAllToResponse } from './translate-response.js';

const VIEW: ResponseView = {
  toolForm: 'calls',
  toolOutputLimit: 20,
  hasEncryptedReasoning: false,
  usageOf: 'turn',
  endsCancelled: false,
};

const USAGE = {
  inputTokens: 10,
  outputTokens: 5,
  cacheReadInputTokens: 100,
  cacheCreationInputTokens: 7,
  thinkingTokens: 2,
};

const text = (value: string, id = 'a'): HarnessEvent => ({ type: 'text-delta', id, text: value });
const thinking = (value: string, id = 't'): HarnessEvent => ({ type: 'thinking-delta', id, text: value });
const end = (id = 'a'): HarnessEvent => ({ type: 'block-end', id });
const call: HarnessEvent = { type: 'tool-call', id: 'c', name: 'Bash', server: 'agent', input: { command: 'ls' } };
const result: HarnessEvent = {
  type: 'tool-result',
  id: 'c',
  content: [{ type: 'text', text: 'README.md' }],
  isError: false,
};
const DONE: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };

function translate(events: readonly HarnessEvent[], view: Partial<ResponseView> = {}): readonly ResponseEvent[] {
  const { status: _, error: __, incomplete_details: ___, output: ____, usage: _____, ...facts } = EXAMPLE_RESPONSE;
  const start = initialResponseState({ messageId: 'msg_turn', facts, view: { ...VIEW, ...view } });
  const [begun, first] = startResponse(start);
  const [after, more] = translateAllToResponse(begun, events);
  return [...first, ...more, ...endResponse(after)[1]];
}

const types = (events: readonly ResponseEvent[]): readonly string[] =>
  events.slice(2).map(({ type }) => type.replace('response.', ''));

function whole(events: readonly ResponseEvent[]) {
  const last = events.at(-1);
  if (last === undefined || !('response' in last)) throw new Error('the last event has no response');
  return last.response;
}

const MESSAGE = [
  'output_item.added',
  'content_part.added',
  'output_text.delta',
  'output_text.done',
  'content_part.done',
  'output_item.done',
];
const REASONING = [
  'output_item.added',
  'reasoning_summary_part.added',
  'reasoning_summary_text.delta',
  'reasoning_summary_text.done',
  'reasoning_summary_part.done',
  'output_item.done',
];
const CALL = ['output_item.added', 'mcp_call.in_progress', 'mcp_call_arguments.delta', 'mcp_call_arguments.done'];

describe('the events of a response', () => {
  it.each<[string, readonly HarnessEvent[], readonly string[]]>([
    ['a text', [text('hi'), end(), DONE], [...MESSAGE, 'completed']],
    ['a text without an end', [text('hi'), DONE], [...MESSAGE, 'completed']],
    ['thinking', [thinking('hm'), end('t'), DONE], [...REASONING, 'completed']],
    ['an empty text', [text(''), end(), DONE], ['completed']],
    ['two texts', [text('a'), end(), text('b', 'b'), end('b'), DONE], [...MESSAGE, ...MESSAGE, 'completed']],
    ['text after the end of its block', [text('a'), end(), text('b'), DONE], [...MESSAGE, ...MESSAGE, 'completed']],
    ['an inner tool', [call, result, DONE], [...CALL, 'mcp_call.completed', 'output_item.done', 'completed']],
    ['an inner tool without a result', [call, DONE], [...CALL, 'mcp_call.failed', 'output_item.done', 'completed']],
    ['a result without its call', [result, DONE], ['completed']],
    [
      'a tool of the caller',
      [
        { type: 'caller-tool-call', id: 'call_1', name: 'f', input: { a: 1 } },
        { type: 'turn-end', reason: 'tool_use' },
      ],
      [
        'output_item.added',
        'function_call_arguments.delta',
        'function_call_arguments.done',
        'output_item.done',
        'completed',
      ],
    ],
    ['nothing', [DONE], ['completed']],
    [
      'an attempt that died in a text',
      [text('ha'), { type: 'attempt-start', attempt: 2 }, text('hello'), DONE],
      [...MESSAGE, ...MESSAGE, 'completed'],
    ],
    [
      'what is not shown',
      [{ type: 'notice', kind: 'progress', message: 'x' }, { type: 'session-started', sessionId: 's' }, DONE],
      ['completed'],
    ],
    ['no end', [text('hi')], [...MESSAGE, 'failed']],
    ['events after the end', [DONE, text('x'), DONE], ['completed']],
  ])('are, for %s', (_, events, expected) => {
    expect(types(translate(events))).toEqual(expected);
  });

  it('are numbered from 0 without a gap, and the same for each reader of the same log', () => {
    const log = [thinking('hm'), end('t'), text('a'), end(), call, result, text('b', 'b'), DONE];
    const events = translate(log);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, place) => place));
    expect(translate(log)).toEqual(events);
  });

  it('finish each item that they begin, under one id and place', () => {
    const events = translate([
      thinking('hm'),
      text('a'),
      call,
      text('b', 'b'),
      { type: 'turn-failed', kind: 'internal', message: 'x' },
    ]);
    const places = (type: string) =>
      events.flatMap((event) =>
        event.type === type && 'item' in event ? [`${event.output_index} ${event.item.id}`] : [],
      );
    expect(places('response.output_item.done').toSorted()).toEqual(places('response.output_item.added'));
    expect(places('response.output_item.added')).toEqual([
      '0 rs_turn_0',
      '1 msg_turn_1',
      '2 mcp_turn_2',
      '3 msg_turn_3',
    ]);
  });
});

describe('the whole response', () => {
  it('has the items in order, with what they are for', () => {
    const { output, status } = whole(
      translate([thinking('hm'), end('t'), text('I look.'), end(), call, result, text('One file.', 'b'), DONE]),
    );
    expect(status).toBe('completed');
    expect(output).toMatchObject([
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
      { type: 'message', phase: 'commentary', content: [{ text: 'I look.', annotations: [] }] },
      {
        type: 'mcp_call',
        server_label: 'agent',
        name: 'Bash',
        arguments: '{"command":"ls"}',
        output: 'README.md',
        error: null,
      },
      { type: 'message', phase: 'final_answer', content: [{ text: 'One file.' }] },
    ]);
  });

  it('has nothing of a text that a dead attempt left, though readers saw it end', () => {
    const events = translate([text('ha'), { type: 'attempt-start', attempt: 2 }, text('hello'), DONE]);
    expect(whole(events).output).toMatchObject([{ id: 'msg_turn_1', content: [{ text: 'hello' }] }]);
    const statuses = events.flatMap((event) =>
      event.type === 'response.output_item.done' && event.item.type === 'message' ? [event.item.status] : [],
    );
    expect(statuses).toEqual(['incomplete', 'completed']);
  });

  it('keeps a text that had ended when an attempt died', () => {
    const { output } = whole(
      translate([text('one'), end(), { type: 'attempt-start', attempt: 2 }, text('two', 'b'), DONE]),
    );
    expect(output).toMatchObject([{ content: [{ text: 'one' }] }, { content: [{ text: 'two' }] }]);
  });

  it('cuts long outputs, and has those of a tool that failed as its error', () => {
    const long: HarnessEvent = { ...result, content: [{ type: 'text', text: 'x'.repeat(30) }], isError: true };
    const [item] = whole(translate([call, long, DONE])).output;
    expect(item).toMatchObject({ status: 'failed', output: null, error: `${'x'.repeat(20)}… [10 more characters]` });
  });

  it.each([
    ['lines', ['message']],
    ['both', ['message', 'mcp_call']],
    ['none', []],
  ] as const)('shows tools in the form %s', (toolForm, kinds) => {
    const { output } = whole(translate([call, result, DONE], { toolForm }));
    expect(output.map(({ type }) => type)).toEqual(kinds);
    if (output[0]?.type === 'message') {
      expect(output[0]).toMatchObject({ phase: 'commentary', content: [{ text: 'Bash(ls)' }] });
    }
  });

  it('counts the tokens of the turn, or of its last model call for a client that takes them for its context', () => {
    const log: readonly HarnessEvent[] = [
      { type: 'model-call-end', model: 'm', usage: USAGE },
      { type: 'model-call-end', model: 'm', usage: { ...USAGE, inputTokens: 20 } },
      DONE,
    ];
    expect(whole(translate(log)).usage).toEqual({
      input_tokens: 244,
      input_tokens_details: { cached_tokens: 200 },
      output_tokens: 10,
      output_tokens_details: { reasoning_tokens: 4 },
      total_tokens: 254,
    });
    expect(whole(translate(log, { usageOf: 'last-call' })).usage?.input_tokens).toBe(127);
  });

  it('says a refusal as text, which every client shows', () => {
    const refused: HarnessEvent = {
      type: 'turn-end',
      reason: 'refusal',
      refusal: { category: null, explanation: 'No.' },
    };
    expect(whole(translate([refused]))).toMatchObject({
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'No.' }] }],
    });
  });

  it.each([
    ['max_tokens', {}, { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['interrupted', {}, { status: 'completed' }],
    ['interrupted', { endsCancelled: true }, { status: 'cancelled' }],
    ['stop_sequence', {}, { status: 'completed' }],
    ['model_context_window_exceeded', {}, { status: 'failed', error: { code: 'context_length_exceeded' } }],
  ] as const)('of a turn that ends as %s %j', (reason, view, expected) => {
    const events = translate([{ type: 'turn-end', reason }], view);
    expect(whole(events)).toMatchObject(expected);
    expect(events.at(-1)?.type).toBe(`response.${expected.status}`);
  });

  it.each([
    ['bad_request', 'invalid_prompt'],
    ['context_too_long', 'context_length_exceeded'],
    ['authentication', 'invalid_prompt'],
    ['billing', 'insufficient_quota'],
    ['rate_limit', 'rate_limit_exceeded'],
    ['overloaded', 'server_is_overloaded'],
    ['process_died', 'server_error'],
  ] as const)('of a failure of kind %s has the code %s', (kind, code) => {
    const { status, error } = whole(translate([{ type: 'turn-failed', kind, message: 'Sorry.' }]));
    expect(status).toBe('failed');
    expect(error).toEqual({
      code,
      message: code === 'rate_limit_exceeded' ? 'Sorry. Please try again in 5s.' : 'Sorry.',
    });
  });

  it('makes a call of an answer that has to be one', () => {
    const { output } = whole(
      translate([text('{"city":"Paris"}'), end(), DONE], { forcedCall: { kind: 'tool', name: 'weather' } }),
    );
    expect(output).toMatchObject([
      { type: 'function_call', name: 'weather', arguments: '{"city":"Paris"}', call_id: 'call_turn_0' },
    ]);
    const chosen = whole(translate([text('{"tool":"b","input":{"x":1}}'), DONE], { forcedCall: { kind: 'choice' } }));
    expect(chosen.output).toMatchObject([{ type: 'function_call', name: 'b', arguments: '{"x":1}' }]);
  });

  it('has an opaque text beside its reasoning only if it was asked for', () => {
    const log = [thinking('hm'), DONE];
    expect(whole(translate(log)).output[0]).not.toHaveProperty('encrypted_content');
    expect(whole(translate(log, { hasEncryptedReasoning: true })).output[0]).toHaveProperty(
      'encrypted_content',
      'rs_turn_0',
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { HarnessEvent, TurnEndReason } from '../../domain/harness-event.js';
import type { Message } from '../../anthropic/stream-event.js';
import { CompletionCollector } from './collect-completion.js';
import { type CompletionEvent, type CompletionView, initialCompletionState } from './completion-state.js';
import { toShownContent } from './shown-content.js';
import { endCompletion, translateAllToCompletion } from './translate-completion.js';

const VIEW: CompletionView = { hasToolLines: true, stopSequences: [], forcedCall: undefined };
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
const lent = (id: string): HarnessEvent => ({
  type: 'caller-tool-call',
  id,
  name: 'weather',
  input: { city: 'Paris' },
});
const done = (reason: TurnEndReason = 'end_turn'): HarnessEvent => ({ type: 'turn-end', reason });

function translate(events: readonly HarnessEvent[], view: Partial<CompletionView> = {}): readonly CompletionEvent[] {
  const start = initialCompletionState('msg_turn', { ...VIEW, ...view });
  const [after, sent] = translateAllToCompletion(start, events);
  return [...sent, ...endCompletion(after)[1]];
}

function collect(events: readonly HarnessEvent[], view: Partial<CompletionView> = {}): CompletionCollector {
  const collector = new CompletionCollector();
  collector.add(translate(events, view));
  return collector;
}

describe('the text of an answer', () => {
  it.each<[string, readonly HarnessEvent[], string]>([
    ['one block in pieces', [text('he'), text('llo'), end(), done()], 'hello'],
    ['two blocks', [text('one'), end(), text('two', 'b'), end('b'), done()], 'one\n\ntwo'],
    ['two blocks of the same id', [text('one'), end(), text('two'), end(), done()], 'one\n\ntwo'],
    ['a tool between texts', [text('I look.'), end(), call, text('One.', 'b'), done()], 'I look.\n\nBash(ls)\n\nOne.'],
    ['a tool alone', [call, done()], 'Bash(ls)'],
    ['nothing', [text(''), end(), done()], ''],
    ['a dead attempt', [text('Half'), { type: 'attempt-start', attempt: 2 }, text('Half a'), done()], 'Half\n\nHalf a'],
    ['a refusal', [text('Hm.'), end(), done('refusal')], 'Hm.\n\nThe model refused to answer.'],
  ])('is made of %s', (_, events, content) => {
    expect(collect(events).message).toEqual({ role: 'assistant', content, refusal: null });
  });

  it('has no lines for tools where the caller wants none', () => {
    expect(collect([text('a'), end(), call, text('b', 'b'), done()], { hasToolLines: false }).message.content).toBe(
      'a\n\nb',
    );
  });

  it('is apart from the thinking', () => {
    const { message } = collect([thinking('hm'), end('t'), text('a'), end(), thinking('so', 'u'), end('u'), done()]);
    expect(message).toEqual({ role: 'assistant', content: 'a', refusal: null, reasoning_content: 'hm\n\nso' });
  });
});

describe('a stop sequence', () => {
  it.each<[string, readonly HarnessEvent[], string]>([
    ['in one piece', [text('one STOP two'), end(), call, lent('x'), done('interrupted')], 'one '],
    ['in two pieces', [text('one ST'), text('OP two'), end(), text('more', 'b'), done('interrupted')], 'one '],
    ['that only begins', [text('one ST'), end(), text('OP', 'b'), end('b'), done()], 'one ST\n\nOP'],
    ['in what the agent did not say', [text('one'), end(), { ...call, name: 'STOP' }, done()], 'one\n\nSTOP(ls)'],
    ['that only begins at the end', [text('one ST'), done()], 'one ST'],
  ])('%s ends the answer', (_, events, content) => {
    const { message, end: ended } = collect(events, { stopSequences: ['STOP'] });
    expect(message).toEqual({ role: 'assistant', content, refusal: null });
    expect(ended?.finishReason).toBe('stop');
  });
});

describe('calls of the caller’s functions', () => {
  it('are numbered, and divide the text', () => {
    expect(translate([text('I ask.'), end(), lent('one'), lent('two'), done('tool_use')])).toMatchObject([
      { delta: { content: 'I ask.' } },
      {
        delta: { tool_calls: [{ index: 0, id: 'one', function: { name: 'weather', arguments: '{"city":"Paris"}' } }] },
      },
      { delta: { tool_calls: [{ index: 1, id: 'two' }] } },
      { type: 'end', finishReason: 'tool_calls' },
    ]);
    expect(collect([lent('one'), done('tool_use')]).message.content).toBeNull();
  });

  it('are the answer where the request requires one', () => {
    const { message, end: ended } = collect([text('{"city":"Rome"}'), end(), done()], {
      forcedCall: { kind: 'tool', name: 'weather' },
    });
    expect(message).toMatchObject({
      content: null,
      tool_calls: [{ id: 'call_turn', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
    });
    expect(ended?.finishReason).toBe('tool_calls');
  });
});

describe('the end of an answer', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['interrupted', 'stop'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
  ] as const)('by %s is %s', (reason, finishReason) => {
    expect(collect([done(reason)]).end?.finishReason).toBe(finishReason);
  });

  it('has the usage of all model calls, or the harness’s own total', () => {
    const ends: HarnessEvent = { type: 'model-call-end', model: 'm', usage: USAGE };
    expect(collect([ends, ends, done()]).end?.usage).toEqual({
      prompt_tokens: 234,
      completion_tokens: 10,
      total_tokens: 244,
      prompt_tokens_details: { cached_tokens: 200 },
      completion_tokens_details: { reasoning_tokens: 4 },
    });
    expect(collect([ends, ends, { type: 'turn-end', reason: 'end_turn', usage: USAGE }]).end?.usage.total_tokens).toBe(
      122,
    );
  });

  it.each<[string, readonly HarnessEvent[], string]>([
    ['a failed turn', [{ type: 'turn-failed', kind: 'overloaded', message: 'No.' }, text('x')], 'server_is_overloaded'],
    ['a full context', [done('model_context_window_exceeded')], 'context_length_exceeded'],
    ['a log without an end', [text('Hello')], 'server_error'],
  ])('is a failure after %s', (_, events, code) => {
    const collector = collect(events);
    expect(collector.failure?.failure.code).toBe(code);
    expect(collector.end).toBeUndefined();
  });
});

it('A stored message is shown as its caller got it, and so the caller’s history is recognised', () => {
  const message: Pick<Message, 'id' | 'content'> = {
    id: 'msg_turn',
    content: [
      { type: 'thinking', thinking: 'hm', signature: '' },
      { type: 'text', text: 'I look.', citations: null },
      { type: 'mcp_tool_use', id: 'c', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
      { type: 'tool_use', id: 'one', name: 'weather', input: { city: 'Paris' } },
    ],
  };
  expect(toShownContent(message, VIEW)).toEqual([
    { type: 'text', text: 'I look.\n\nBash(ls)', citations: null },
    { type: 'tool_use', id: 'one', name: 'weather', input: { city: 'Paris' } },
  ]);
});

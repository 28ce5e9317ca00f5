// Long, because the recordings and the rules are read through the same few helpers.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { decodeNotification, initialCodexState, type CodexState } from './decode.js';

function recording(name: string): readonly string[] {
  return readFileSync(new URL(`../__fixtures__/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean);
}

function eventsOf(lines: readonly string[], from: CodexState = initialCodexState()): readonly HarnessEvent[] {
  const events: HarnessEvent[] = [];
  let state = from;
  for (const line of lines) {
    const decoded = decodeNotification(state, line);
    state = decoded.state;
    events.push(...decoded.events);
  }
  return events;
}

/** Each block's text, in order of appearance; a block that was not ended is marked. */
function blocksOf(events: readonly HarnessEvent[]): readonly string[] {
  const blocks = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'text-delta') blocks.set(event.id, (blocks.get(event.id) ?? 'text: ') + event.text);
    if (event.type === 'thinking-delta') blocks.set(event.id, (blocks.get(event.id) ?? 'thinking: ') + event.text);
    if (event.type === 'block-end') blocks.set(event.id, `${blocks.get(event.id) ?? 'nothing'}|`);
  }
  return [...blocks.values()];
}

const toolsOf = (events: readonly HarnessEvent[]) =>
  events.filter((event) => event.type === 'tool-call' || event.type === 'tool-result');
const usageOf = (events: readonly HarnessEvent[]) =>
  events.flatMap((event) => (event.type === 'model-call-end' ? [event.usage] : []));
const typesOf = (events: readonly HarnessEvent[]) => events.map((event) => event.type);
const line = (method: string, params: object) =>
  JSON.stringify({ method, params: { threadId: 'T', turnId: 'U', ...params } });
const item = (method: 'item/started' | 'item/completed', fields: object) => line(method, { item: fields });
const tokens = (inputTokens: number, cacheReadInputTokens: number, outputTokens: number, thinkingTokens: number) => ({
  inputTokens,
  cacheReadInputTokens,
  cacheCreationInputTokens: 0,
  outputTokens,
  thinkingTokens,
});

describe('recordings of Codex 0.169.0', () => {
  it('emits a plain answer', () => {
    expect(eventsOf(recording('codex-text'))).toEqual([
      { type: 'session-started', sessionId: expect.stringMatching(/^01a2/) },
      { type: 'text-delta', id: 'msg_s1_0', text: 'PO' },
      { type: 'text-delta', id: 'msg_s1_0', text: 'NG' },
      { type: 'block-end', id: 'msg_s1_0' },
      { type: 'model-call-start', model: 'gpt-5-codex', usage: tokens(100, 300, 0, 0) },
      { type: 'model-call-end', model: 'gpt-5-codex', usage: tokens(100, 300, 25, 5) },
      { type: 'turn-end', reason: 'end_turn' },
    ]);
  });

  it('emits reasoning, a command with its output, and both model calls', () => {
    const events = eventsOf(recording('codex-tool'));
    expect(blocksOf(events)).toEqual([
      'thinking: **Plan** run a command|',
      'text: Let me run it.|',
      'text: It printed "hello from the sandbox".|',
    ]);
    expect(toolsOf(events)).toEqual([
      {
        type: 'tool-call',
        id: 'call_s1a',
        name: 'shell',
        server: 'agent',
        input: { command: "/bin/bash -lc 'echo hello from the sandbox; ls'", cwd: '/workspace' },
      },
      {
        type: 'tool-result',
        id: 'call_s1a',
        content: [{ type: 'text', text: 'hello from the sandbox\n' }],
        isError: false,
      },
    ]);
    expect(usageOf(events)).toEqual([tokens(100, 300, 25, 5), tokens(200, 300, 25, 5)]);
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });

  it('emits which of two parallel commands failed', () => {
    const results = eventsOf(recording('codex-parallel')).filter((event) => event.type === 'tool-result');
    expect(results.map(({ id, content, isError }) => ({ id, content, isError }))).toEqual([
      { id: 'call_s1b', content: [{ type: 'text', text: 'two\n' }], isError: true },
      { id: 'call_s1a', content: [{ type: 'text', text: 'one\n' }], isError: false },
    ]);
  });

  it('shows the diff of a file change', () => {
    const events = eventsOf(recording('codex-patchshell'));
    expect(toolsOf(events)).toEqual([
      {
        type: 'tool-call',
        id: 'call_s1a',
        name: 'apply_patch',
        server: 'agent',
        input: { changes: [{ path: '/workspace/notes2.txt', kind: 'add' }] },
      },
      {
        type: 'tool-result',
        id: 'call_s1a',
        content: [{ type: 'text', text: '--- /dev/null\n+++ /workspace/notes2.txt\n@@ -0,0 +1,1 @@\n+first line\n' }],
        isError: false,
      },
    ]);
    expect(blocksOf(events)).toEqual(['text: File added.|']);
  });

  it('emits dynamic tools, and leaves the requests for them to the caller of the decoder', () => {
    const events = eventsOf(recording('codex-dynamic-tools'));
    expect(toolsOf(events).map((event) => [event.type, event.id])).toEqual([
      ['tool-call', 'call_s1a'],
      ['tool-call', 'call_s1b'],
      ['tool-result', 'call_s1a'],
      ['tool-result', 'call_s1b'],
    ]);
    expect(toolsOf(events)[0]).toMatchObject({ name: 'get_weather', server: 'agent', input: { city: 'Paris' } });
    expect(toolsOf(events)[2]).toMatchObject({ content: [{ type: 'text', text: 'sunny in Paris' }], isError: false });
    expect(blocksOf(events)).toEqual(['text: Sunny in both.|']);
  });

  it('emits two turns, each with its own end, and announces the second with the context of the first', () => {
    const events = eventsOf(recording('codex-two-turns'));
    const second = events.slice(events.findIndex((event) => event.type === 'turn-end') + 1);
    expect(typesOf(events).filter((type) => type === 'turn-end')).toHaveLength(2);
    expect(second[0]).toEqual({ type: 'model-call-start', model: 'gpt-5-codex', usage: tokens(100, 300, 0, 0) });
    expect(usageOf(second)).toEqual([tokens(100, 300, 25, 5), tokens(200, 300, 25, 5)]);
    expect(typesOf(second).filter((type) => type === 'model-call-start')).toHaveLength(2);
  });

  it('ends the text that an interruption cut off', () => {
    const events = eventsOf(recording('codex-interrupted'));
    expect(blocksOf(events)[0]).toMatch(/^text: word0 word1 .*word13 \|$/);
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
  });

  it('fails a turn once, with the model provider’s own words', () => {
    const events = eventsOf(recording('codex-bad-request'));
    expect(events.slice(1)).toEqual([{ type: 'turn-failed', kind: 'bad_request', message: 'scripted bad request' }]);
  });
});

describe('recordings of other wrappers', () => {
  it('understands the dotted shape, whose deltas name no item', () => {
    expect(eventsOf(recording('centaur-dotted'))).toEqual([
      { type: 'session-started', sessionId: 'mock-codex-thread' },
      { type: 'thinking-delta', id: 'reasoning-0', text: 'thinking' },
      { type: 'block-end', id: 'reasoning-0' },
      { type: 'text-delta', id: 'agentMessage-1', text: 'Hello' },
      { type: 'text-delta', id: 'agentMessage-1', text: ' world' },
      { type: 'block-end', id: 'agentMessage-1' },
      { type: 'turn-end', reason: 'end_turn', usage: tokens(0, 0, 1, 0) },
    ]);
  });

  it('understands Claude Code spoken as slash methods', () => {
    const events = eventsOf(recording('centaur-slash-claude'));
    expect(blocksOf(events)).toEqual([
      'thinking: Let me think|',
      'text: Checking the files.|',
      'text: There is one file.|',
    ]);
    expect(toolsOf(events).map((event) => event.type)).toEqual(['tool-call', 'tool-result']);
    expect(usageOf(events)).toEqual([tokens(400, 800, 50, 10)]);
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });
});

describe('text and thinking', () => {
  const whole = item('item/completed', { type: 'agentMessage', id: 'm', text: 'Hello world' });
  const part = (text: string) => line('item/agentMessage/delta', { itemId: 'm', delta: text });

  it.each([
    ['no delta', [whole]],
    ['some deltas', [part('Hello'), whole]],
    ['all deltas', [part('Hello'), part(' world'), whole]],
    ['a repeated completion', [part('Hello'), whole, whole]],
    ['a delta after the completion', [whole, part('Hello')]],
  ])('emits the text once with %s', (_, lines) => {
    expect(blocksOf(eventsOf(lines))).toEqual(['text: Hello world|']);
  });

  it('trusts the streamed text when the complete text differs', () => {
    expect(blocksOf(eventsOf([part('Goodbye'), whole]))).toEqual(['text: Goodbye|']);
  });

  it('keeps two messages apart', () => {
    const other = item('item/completed', { type: 'agent_message', id: 'n', text: 'Bye' });
    expect(blocksOf(eventsOf([part('Hello'), whole, other]))).toEqual(['text: Hello world|', 'text: Bye|']);
  });

  it('sets the parts of a reasoning summary apart by a blank line', () => {
    const summary = (delta: string, summaryIndex: number) =>
      line('item/reasoning/summaryTextDelta', { itemId: 'r', delta, summaryIndex });
    const lines = [
      line('item/reasoning/summaryPartAdded', { itemId: 'r', summaryIndex: 0 }),
      summary('One', 0),
      line('item/reasoning/summaryPartAdded', { itemId: 'r', summaryIndex: 1 }),
      summary('Two', 1),
      item('item/completed', { type: 'reasoning', id: 'r', summary: ['One', 'Two', 'Three'], content: [] }),
    ];
    expect(blocksOf(eventsOf(lines))).toEqual(['thinking: One\n\nTwo\n\nThree|']);
  });

  it('emits nothing for a reasoning item without text', () => {
    expect(eventsOf([item('item/completed', { type: 'reasoning', id: 'r', summary: [], content: [] })])).toEqual([]);
  });

  it('emits the result of `turn.done` only if nothing was emitted', () => {
    const done = '{"type":"turn.done","result":"Hello world"}';
    expect(blocksOf(eventsOf([done]))).toEqual(['text: Hello world|']);
    expect(blocksOf(eventsOf([part('Hello'), whole, done]))).toEqual(['text: Hello world|']);
  });
});

describe('what is passed over', () => {
  it('reports a line that is not JSON, and continues', () => {
    const state = initialCodexState();
    for (const garbage of ['', 'Segmentation fault', '{"method":', '[1,2]', 'null', '"text"']) {
      expect(decodeNotification(state, garbage)).toEqual({ state, events: [], understood: false });
    }
    expect(decodeNotification(state, '{"method":"thread/unheardOf","params":3}').understood).toBe(true);
  });

  it('ignores other threads, once ours is known', () => {
    const text = line('item/agentMessage/delta', { itemId: 'm', delta: 'sub-agent' });
    const end = line('turn/completed', { turn: { id: 'U', status: 'completed' } });
    expect(eventsOf([text, end], initialCodexState({ threadId: 'ours' }))).toEqual([]);
  });

  it('ignores everything after the end, and another end', () => {
    const end = line('turn/completed', { turn: { id: 'U', status: 'completed' } });
    const text = line('item/agentMessage/delta', { itemId: 'm', delta: 'late' });
    expect(typesOf(eventsOf([end, text, end, '{"type":"turn.done"}']))).toEqual(['turn-end']);
  });

  it('counts a repeated usage update once, and one before our turn not at all', () => {
    const update = (total: number) =>
      line('thread/tokenUsage/updated', {
        tokenUsage: { total: { totalTokens: total }, last: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 2 } },
      });
    const turn = line('turn/started', { turn: { id: 'U' } });
    expect(usageOf(eventsOf([update(5), turn, update(5), update(12), update(12)]))).toEqual([tokens(6, 4, 2, 0)]);
  });
});

describe('progress', () => {
  const at = (emittedAtMs: number, method: string, params: object) =>
    JSON.stringify({ method, params: { threadId: 'T', turnId: 'U', ...params }, emittedAtMs });
  const call = { type: 'commandExecution', id: 'c', command: 'make', cwd: '/w' };
  const started = at(1_200, 'item/started', { item: call, startedAtMs: 1_000 });
  const output = (time: number) =>
    at(time, 'item/commandExecution/outputDelta', { itemId: 'c', delta: 'a secret line' });
  const noticesOf = (...lines: readonly string[]) =>
    eventsOf(lines).flatMap((event) => (event.type === 'notice' ? [event.message] : []));

  it('of a tool is emitted at most every ten seconds, without its output', () => {
    expect(noticesOf(started, ...[1_500, 10_999, 11_000, 20_999, 31_400].map(output))).toEqual([
      'shell has been running for 10 s',
      'shell has been running for 30 s',
    ]);
  });

  it('of an MCP server’s tool has its name', () => {
    const tool = { type: 'mcpToolCall', id: 'm', server: 's', tool: 'search', arguments: {} };
    const progress = at(12_000, 'item/mcpToolCall/progress', { itemId: 'm', message: 'whatever the server says' });
    expect(noticesOf(at(0, 'item/started', { item: tool }), progress)).toEqual(['search has been running for 12 s']);
  });

  it('of a tool that nobody saw begin counts from the first sign of it', () => {
    expect(noticesOf(output(5_000), output(15_000))).toEqual(['A tool has been running for 10 s']);
  });

  it('is not emitted for lines without a time', () => {
    expect(noticesOf(started, line('item/commandExecution/outputDelta', { itemId: 'c', delta: 'x' }))).toEqual([]);
  });
});

describe('ends', () => {
  const started = line('turn/started', { turn: { id: 'U' } });

  it('as refused when the newest message of the agent is never completed', () => {
    const events = eventsOf(recording('codex-refusal'));
    expect(blocksOf(events)).toEqual(['text: Well,|']);
    expect(events.at(-1)).toEqual({ type: 'turn-end', reason: 'refusal' });
  });

  it('as usual when a message was given up for another', () => {
    const [first, second] = ['m1', 'm2'].map((id) => item('item/started', { type: 'agentMessage', id, text: '' }));
    const retry = line('error', { willRetry: true, error: { message: 'Reconnecting... 1/5' } });
    const done = item('item/completed', { type: 'agentMessage', id: 'm2', text: 'Hello' });
    const end = line('turn/completed', { turn: { id: 'U', status: 'completed' } });
    const lines = [started, first ?? '', retry, second ?? '', done, end];
    expect(eventsOf(lines).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(eventsOf([started, first ?? '', retry, end]).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });

  it('as refused, once, when the provider filters the answer', () => {
    const events = eventsOf(recording('codex-content-filter'));
    expect(blocksOf(events)).toEqual(['text: par|']);
    expect(events.filter(({ type }) => type === 'turn-end' || type === 'turn-failed')).toEqual([
      { type: 'turn-end', reason: 'refusal', refusal: { category: null, explanation: null } },
    ]);
  });

  it.each([
    [
      { message: 'flagged', codexErrorInfo: 'cyberPolicy' },
      { category: 'cyber', explanation: 'flagged' },
    ],
    [
      { message: 'blocked', codexErrorInfo: 'misalignmentPolicyViolation' },
      { category: null, explanation: 'blocked' },
    ],
    [
      {
        message: 'b',
        codexErrorInfo: 'misalignmentPolicyViolation',
        misalignment: { detailedExplanation: 'Because.' },
      },
      { category: null, explanation: 'Because.' },
    ],
  ])('as refused for %j', (error, refusal) => {
    const failed = line('turn/completed', { turn: { id: 'U', status: 'failed', error } });
    expect(eventsOf([started, line('error', { error, willRetry: false }), failed])).toEqual([
      { type: 'turn-end', reason: 'refusal', refusal },
    ]);
  });

  it('with the output’s limit when the answer was cut by it', () => {
    const error = { message: 'Incomplete response returned, reason: max_output_tokens', codexErrorInfo: 'other' };
    expect(eventsOf([started, line('error', { error })])).toEqual([{ type: 'turn-end', reason: 'max_tokens' }]);
  });

  it('emits a retry without failing the turn', () => {
    const retry = line('error', {
      willRetry: true,
      error: { message: 'Reconnecting... 1/5', codexErrorInfo: 'other' },
    });
    expect(eventsOf([started, retry])).toEqual([{ type: 'notice', kind: 'retrying', message: 'Reconnecting... 1/5' }]);
    expect(typesOf(eventsOf(['{"type":"error","message":"Reconnecting... 1/5"}']))).toEqual(['notice']);
  });

  it.each(['{"type":"turn.failed","error":"boom"}', '{"type":"error","message":"boom"}'])('fails on %s', (failed) => {
    expect(eventsOf([started, failed])).toEqual([{ type: 'turn-failed', kind: 'internal', message: 'boom' }]);
  });

  it('answers a call that was still running', () => {
    const call = item('item/started', { type: 'commandExecution', id: 'c', command: 'sleep 9', cwd: '/w' });
    const end = line('turn/completed', { turn: { id: 'U', status: 'interrupted' } });
    expect(eventsOf([started, call, end]).slice(1)).toEqual([
      { type: 'tool-result', id: 'c', content: [expect.anything()], isError: true },
      { type: 'turn-end', reason: 'interrupted' },
    ]);
  });
});

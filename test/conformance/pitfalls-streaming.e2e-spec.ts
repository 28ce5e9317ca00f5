// C 19 to 29: the framing of streams.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { skipAhead } from '../support/clock.js';
import { ask, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp } from '../support/test-app.js';
import { claudeRecording } from './support/recordings.js';
import { ConformanceServer } from './support/server.js';

const server = new ConformanceServer();

afterEach(() => {
  vi.restoreAllMocks();
});

const INPUT = { command: 'ls', nested: { deep: [1, { a: null }], text: 'with "quotes"\nand lines' } };

it('C 19 text is never an input_json_delta, and an input is never text', async () => {
  const { events } = await server.answer('both', (run) => {
    run.say(...textBlock('words'), { type: 'caller-tool-call', id: 'toolu_1', name: 'ask', input: INPUT });
    run.endAs('tool_use');
  });
  const kinds = events.flatMap((event) =>
    event.type === 'content_block_delta' ? [[event.index, event.delta.type]] : [],
  );
  expect(kinds).toEqual([
    [0, 'text_delta'],
    [1, 'input_json_delta'],
  ]);
});

it.each(['mcp', 'server'])('C 20 a tool’s input arrives complete, even an empty one (%s)', async (form) => {
  const { message } = await server.answer(
    `inputs ${form}`,
    (run) => {
      run.say(
        { type: 'tool-call', id: 'a', name: 'Bash', server: 'agent', input: INPUT },
        { type: 'tool-call', id: 'b', name: 'now', server: 'agent', input: {} },
        { type: 'tool-result', id: 'a', content: [], isError: false },
        { type: 'tool-result', id: 'b', content: [], isError: false },
        { type: 'caller-tool-call', id: 'toolu_1', name: 'ask', input: INPUT },
        { type: 'caller-tool-call', id: 'toolu_2', name: 'ask', input: {} },
      );
      run.endAs('tool_use');
    },
    {},
    { 'x-chiron-tool-blocks': form },
  );
  const inputs = message.content.flatMap((block) => ('input' in block ? [block.input] : []));
  expect(inputs).toEqual([...(form === 'mcp' ? [INPUT, {}] : [{ command: 'ls' }, { command: 'now {}' }]), INPUT, {}]);
});

it('C 21 one block per id, however many deltas it has', async () => {
  const { events } = await server.answer('many deltas', (run) => {
    for (let index = 0; index < 100; index += 1) run.say({ type: 'text-delta', id: 'a', text: `${index} ` });
    run.end({ type: 'block-end', id: 'a' });
  });
  expect(events.filter((event) => event.type === 'content_block_start')).toHaveLength(1);
});

it('C 22 thinking is sent as thinking_delta, and its block closes before the next one opens', async () => {
  const { events } = await server.answer('thinks', (run) =>
    run.end({ type: 'thinking-delta', id: 't', text: 'hm' }, { type: 'text-delta', id: 'x', text: 'So.' }),
  );
  expect(events.slice(1, 6)).toEqual([
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: '' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '', citations: null } },
  ]);
});

it('C 23 a signature is the provider’s or empty, and signatures from callers never reach the agent', async () => {
  const { message } = await server.answer('signed', (run) =>
    run.end(
      { type: 'thinking-delta', id: 'a', text: 'one' },
      { type: 'block-end', id: 'a', signature: 'ErUB+/=' },
      { type: 'thinking-delta', id: 'b', text: 'two' },
      { type: 'block-end', id: 'b' },
    ),
  );
  expect(message.content).toMatchObject([{ signature: 'ErUB+/=' }, { signature: '' }]);
  const messages = [
    { role: 'user', content: 'signed' },
    { role: 'assistant', content: message.content },
    { role: 'user', content: 'after the signature' },
  ];
  await server.post(ask('', { messages }), thread('signed')).expect(200);
  expect(server.harness.runsOf('after the signature')[0]?.turn.prompt).toEqual([
    { type: 'text', text: 'after the signature' },
  ]);
});

it('C 24 a turn with several model calls and a dead process is one message', async () => {
  const { stream, run } = await server.held('again and again');
  run.say(
    ...modelCall(textBlock('one ', 'a')),
    { type: 'notice', kind: 'retrying', message: 'overloaded' },
    ...modelCall(textBlock('two ', 'b')),
    { type: 'text-delta', id: 'c', text: 'abandoned ' },
  );
  await stream.sees('abandoned');
  run.fail('process_died');
  (await server.harness.run('again and again', 2)).end(...modelCall(textBlock('three', 'd')));
  await stream.done();
  expect(checkGrammar(stream.events)).toEqual([]);
  expect(stream.types.filter((type) => type === 'message_start')).toHaveLength(1);
  expect(stream.said).toBe('one two abandoned three');
});

it('C 24 a turn of Claude Code with several inner messages is one message', async () => {
  const { events } = await server.answer('parallel', (run) => run.finish(claudeRecording('claude-parallel')));
  expect(events.filter((event) => event.type === 'message_start')).toHaveLength(1);
});

it('C 25 an error is the last event of a stream, without a message_stop, and the only error', async () => {
  server.plays('errs', (run) => {
    run.text('half');
    run.fail('internal', 'broken');
  });
  const stream = await server.open(ask('errs', { stream: true })).done();
  expect(stream.types.slice(-2)).toEqual(['content_block_stop', 'error']);
  expect(stream.types.filter((type) => type === 'error' || type === 'message_stop')).toEqual(['error']);
});

it('C 26 a silent stream has pings', async () => {
  const { stream, run } = await server.held('silent');
  run.text('before');
  await stream.sees('before');
  skipAhead(11_000);
  await stream.sees('event: ping');
  run.end();
  await stream.done();
});

describe('the end of a stream', () => {
  it('C 27 always comes: a stalled agent is resumed, and an error if it dies again', async () => {
    const { stream, run } = await server.held('falls silent');
    run.text('hm');
    await stream.sees('hm');
    skipAhead(601_000);
    (await server.harness.run('falls silent', 2)).vanish();
    await stream.done();
    expect(stream.types.at(-1)).toBe('error');
    expect(server.harness.runsOf('falls silent')).toHaveLength(2);
  });

  it('C 28 is an overloaded_error when the server stops, so that the caller retries with the next server', async () => {
    const stopping = await startTestApp();
    const stream = SseClient.post(stopping.url, ask('unfinished', { stream: true }));
    (await stopping.harness.run('unfinished')).say({ type: 'text-delta', id: 'a', text: 'half' });
    await stream.sees('half');
    await stopping.close();
    await stream.done();
    expect(checkGrammar(stream.events)).toEqual([]);
    expect(stream.events.at(-1)).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  });
});

describe('the stop reason', () => {
  it('C 29 is stop_sequence if the answer reached one, and the answer ends before it', async () => {
    server.plays('count', (run) =>
      run.say({ type: 'text-delta', id: 'a', text: 'ONE T' }, { type: 'text-delta', id: 'a', text: 'WO THREE' }),
    );
    const body = ask('count', { stop_sequences: ['THREE', 'TWO'] });
    const stop = { stop_reason: 'stop_sequence', stop_sequence: 'TWO' };
    const whole = await server.post(body, thread('count whole')).expect(200);
    expect(whole.body).toMatchObject({ ...stop, content: [{ type: 'text', text: 'ONE ' }] });
    const stream = await server.open({ ...body, stream: true }, thread('count stream')).done();
    expect(stream.said).toBe('ONE ');
    expect(stream.events.at(-2)).toMatchObject({ delta: stop });
    expect(checkGrammar(stream.events)).toEqual([]);
    for (const run of server.harness.runsOf('count')) expect(run.interrupted).toBe(true);
  });

  it('C 29 is refusal, not end_turn, if the model refused', async () => {
    const { message } = await server.answer('refused', (run) => {
      run.text('I cannot.');
      run.finish([{ type: 'turn-end', reason: 'refusal', refusal: { category: 'bio', explanation: null } }]);
    });
    expect(message).toMatchObject({
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'bio', explanation: null },
    });
  });
});

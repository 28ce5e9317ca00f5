import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { skipAhead } from '../support/clock.js';
import { ask, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { parseEvents } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { CLAUDE_RECORDINGS, claudeRecording, CODEX_RECORDINGS, codexRecording } from './support/recordings.js';
import { ConformanceServer } from './support/server.js';

const server = new ConformanceServer();

afterEach(() => {
  vi.restoreAllMocks();
});

const open = (prompt: string) => server.open(ask(prompt, { stream: true }), thread(prompt));

/** Every type of event that an agent can emit. */
const EVERYTHING: readonly HarnessEvent[] = [
  { type: 'session-started', sessionId: 's' },
  { type: 'notice', kind: 'retrying', message: 'again' },
  ...modelCall([
    { type: 'thinking-delta', id: 't', text: 'hm' },
    { type: 'block-end', id: 't', signature: 'sig' },
    { type: 'text-delta', id: 'x', text: 'I look.' },
    { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: { command: 'ls' } },
    { type: 'tool-call', id: 'two', name: 'query', server: 'warehouse', input: {} },
    { type: 'tool-result', id: 'two', content: [], isError: true },
    { type: 'tool-result', id: 'one', content: [{ type: 'text', text: 'a.txt\nb.txt' }], isError: false },
  ]),
  { type: 'notice', kind: 'compacting', message: 'compacting' },
  ...modelCall([
    ...textBlock('Two lines\nof text. ', 'y'),
    { type: 'caller-tool-call', id: 'toolu_1', name: 'ask_user', input: { why: true } },
  ]),
];

describe('the response', () => {
  it('A.6 is 200 text/event-stream with headers against buffering, sent before the turn ends', async () => {
    const { stream, run } = await server.held('headers');
    run.say({ type: 'text-delta', id: 'a', text: 'first' });
    await stream.sees('first');
    expect(stream.ended).toBe(false);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': expect.stringContaining('no-cache') as string,
      'x-accel-buffering': 'no',
      'request-id': expect.stringMatching(/^req_/) as string,
    });
    run.end();
    await stream.done();
  });

  it('A.6 has only frames of an event line and one data line of JSON with the same type', async () => {
    const { stream } = await server.answer('frames', (run) => run.end(...EVERYTHING));
    expect(stream.text.endsWith('\n\n')).toBe(true);
    for (const frame of stream.text.slice(0, -2).split('\n\n')) {
      const [event = '', data = '', ...rest] = frame.split('\n');
      expect(rest).toEqual([]);
      const { type } = JSON.parse(data.slice('data: '.length)) as { readonly type: string };
      expect([event, data.slice(0, 6)]).toEqual([`event: ${type}`, 'data: ']);
    }
    expect(stream.text).not.toContain('[DONE]');
  });
});

describe('the events', () => {
  it('A.6 are message_start, blocks 0, 1, 2… one at a time, message_delta and message_stop', async () => {
    const { events } = await server.answer('order', (run) => run.end(...EVERYTHING));
    const outline = events.map((event) => ('index' in event ? `${event.index} ${event.type}` : event.type));
    expect(outline.filter((name) => !name.includes('delta') || name === 'message_delta')).toEqual([
      'message_start',
      ...Array.from({ length: 8 }, (_, index) => [
        `${index} content_block_start`,
        `${index} content_block_stop`,
      ]).flat(),
      'message_delta',
      'message_stop',
    ]);
  });

  it('A.6 open a text or thinking block empty, and its signature comes once, just before its stop', async () => {
    const { events } = await server.answer('starts', (run) => run.end(...EVERYTHING));
    const starts = events.flatMap((event) => (event.type === 'content_block_start' ? [event.content_block] : []));
    expect(starts[0]).toEqual({ type: 'thinking', thinking: '', signature: '' });
    expect(starts[1]).toEqual({ type: 'text', text: '', citations: null });
    const signed = events.findIndex((event) => JSON.stringify(event).includes('signature_delta'));
    expect(events[signed + 1]).toEqual({ type: 'content_block_stop', index: 0 });
    expect(events.filter((event) => JSON.stringify(event).includes('signature_delta'))).toHaveLength(1);
  });

  it('A.6 do not interleave blocks that the agent emits concurrently', async () => {
    const { message } = await server.answer('at the same time', (run) => {
      run.say({ type: 'text-delta', id: 'a', text: 'one ' }, { type: 'text-delta', id: 'b', text: 'two ' });
      run.end({ type: 'text-delta', id: 'a', text: 'three' }, { type: 'block-end', id: 'b' });
    });
    expect(message.content).toMatchObject([{ text: 'one ' }, { text: 'two ' }, { text: 'three' }]);
  });

  it('A.6 never split a character, wherever the agent splits its text', async () => {
    const { stream } = await server.answer('characters', (run) => {
      for (const half of ['a\uD83C', '\uDF0D\uD83C', '\uDF0Db']) run.say({ type: 'text-delta', id: 'a', text: half });
      run.end();
    });
    expect(stream.said).toBe('a🌍🌍b');
  });

  it('A.6 have one message_start, even if the agent’s process dies and another one resumes the turn', async () => {
    const { stream, run: first } = await server.held('dies');
    first.text('before ', 'a');
    await stream.sees('before');
    first.fail('process_died');
    (await server.harness.run('dies', 2)).end(...modelCall(textBlock('after', 'b')));
    await stream.done();
    expect(stream.said).toBe('before after');
    expect(stream.types.filter((type) => type === 'message_start')).toHaveLength(1);
    expect(checkGrammar(stream.events)).toEqual([]);
  });

  it('A.6 may include a ping at any time, which has only its type', async () => {
    const { stream, run } = await server.held('pinged');
    run.say({ type: 'text-delta', id: 'a', text: 'open' });
    await stream.sees('open');
    skipAhead(11_000);
    await stream.sees('event: ping\ndata: {"type":"ping"}\n\n');
    run.end({ type: 'text-delta', id: 'a', text: ' still' });
    await stream.done();
    expect(stream.said).toBe('open still');
    expect(checkGrammar(stream.events)).toEqual([]);
  });
});

describe('recordings of the real agents', () => {
  it.each([
    ...CLAUDE_RECORDINGS.map((name) => [name, claudeRecording(name)] as const),
    ...CODEX_RECORDINGS.map((name) => [name, codexRecording(name)] as const),
  ])('A.6 read over HTTP follow the grammar, streamed and unstreamed: %s', async (name, events) => {
    const last = events.at(-1);
    if (last?.type === 'turn-end') {
      const { message } = await server.answer(name, (run) => run.finish(events));
      expect(message.content.length).toBeGreaterThan(0);
    } else {
      server.plays(name, (run) => run.finish(events));
      const { status, text } = await open(name).done();
      expect([status, text]).toEqual([400, expect.stringContaining('"type":"error"')]);
    }
  });
});

describe('the end', () => {
  const ends = {
    'a normal end': (run) => run.end(),
    'a failure': (run) => run.fail('internal', 'broken'),
    silence: (run) => run.vanish(),
    'an interruption': (run) => run.interrupt(),
  } satisfies Readonly<Record<string, Parameters<ConformanceServer['plays']>[1]>>;

  it.each(Object.entries(ends))(
    'A.6 of an agent’s stream that ends with %s is message_stop or error',
    async (name, end) => {
      const prompt = `ends with ${name}`;
      server.plays(prompt, (run) => {
        run.say({ type: 'text-delta', id: 'a', text: 'half a' });
        end(run);
      });
      const stream = await open(prompt).done();
      expect(checkGrammar(stream.events)).toEqual([]);
      const expected = name === 'a normal end' || name === 'an interruption' ? 'message_stop' : 'error';
      expect(stream.types.at(-1)).toBe(expected);
    },
  );

  it('A.6 with an error has the error envelope, with the request-id of the response', async () => {
    server.plays('an error', (run) => {
      run.text('half');
      run.fail('rate_limit', 'slow down');
    });
    const stream = await open('an error').done();
    expect(parseEvents(stream.text).at(-1)).toEqual({
      name: 'error',
      data: {
        type: 'error',
        error: { type: 'rate_limit_error', message: 'slow down' },
        request_id: stream.headers['request-id'],
      },
    });
  });
});

import { describe, expect, it } from 'vitest';
import { parseFrame } from './api.js';
import type { StreamedEvent } from './api-types.js';
import { addEvents, emptyTranscript } from './transcript.js';

let nextId = 0;
const event = (type: string, data: StreamedEvent['data'] = {}): StreamedEvent => ({ id: (nextId += 1), type, data });
const line = (method: string, params: object): StreamedEvent => event('session.output.line', { method, params });
const entriesOf = (...events: readonly StreamedEvent[]) => addEvents(emptyTranscript(0), events).entries;

describe('a transcript', () => {
  it('grows with each delta, and takes the completed item in its place', () => {
    const delta = (text: string) => line('item/agentMessage/delta', { itemId: 'i', delta: text });
    const begun = [
      line('item/started', { item: { type: 'agentMessage', id: 'i', text: '' } }),
      delta('one '),
      delta('two'),
    ];
    expect(entriesOf(...begun)).toEqual([{ kind: 'text', id: 'i', text: 'one two' }]);
    const completed = line('item/completed', { item: { type: 'agentMessage', id: 'i', text: 'one two three' } });
    expect(entriesOf(...begun, completed)).toEqual([{ kind: 'text', id: 'i', text: 'one two three' }]);
  });

  it.each([
    [
      { type: 'commandExecution', id: 't', command: 'ls', status: 'completed', aggregatedOutput: 'a b' },
      { name: 'shell', input: 'ls', output: 'a b', status: 'completed' },
    ],
    [
      { type: 'dynamicToolCall', id: 't', tool: 'read', arguments: {}, status: 'inProgress', contentItems: null },
      { name: 'read', input: '{}', output: undefined, status: 'running' },
    ],
    [
      {
        type: 'mcpToolCall',
        id: 't',
        server: 'docs',
        tool: 'find',
        arguments: {},
        status: 'failed',
        error: { message: 'no' },
      },
      { name: 'docs/find', input: '{}', output: 'no', status: 'failed' },
    ],
  ])('shows a tool with its input and output: %j', (item, entry) => {
    expect(entriesOf(line('item/completed', { item }))).toEqual([{ kind: 'tool', id: 't', ...entry }]);
  });

  it('has the start of a tool that runs, and how long one took that has ended', () => {
    const item = { type: 'commandExecution', id: 't', command: 'ls', status: 'inProgress', durationMs: null };
    const started = line('item/started', { item, startedAtMs: 1_000 });
    expect(entriesOf(started)).toMatchObject([{ status: 'running', startedAtMs: 1_000, durationMs: undefined }]);
    const ended = line('item/completed', {
      item: { ...item, status: 'completed', durationMs: 350 },
      completedAtMs: 1_350,
    });
    expect(entriesOf(started, ended)).toMatchObject([{ status: 'completed', durationMs: 350 }]);
  });

  it('knows whether a turn runs, and where to go on', () => {
    const running = addEvents(emptyTranscript(7), [event('session.execution_started', { execution_id: 'e' })]);
    expect(running).toMatchObject({ isRunning: true, lastId: nextId });
    const ended = addEvents(running, [
      { id: undefined, type: 'session.stream_error', data: {} },
      event('session.execution_failed', { execution_id: 'e', error: 'no credit' }),
    ]);
    expect(ended).toMatchObject({
      isRunning: false,
      lastId: nextId,
      entries: [{ kind: 'end', id: 'e', outcome: 'failed', text: 'no credit' }],
    });
  });

  it('passes over what it does not know', () => {
    expect(entriesOf(event('session.later'), line('item/later', {}), line('item/started', { item: null }))).toEqual([]);
  });
});

it.each([
  [': keep-alive', undefined],
  ['id: 5\nevent: e\ndata: {"a":": b"}', { id: 5, type: 'e', data: { a: ': b' } }],
  ['event: e\ndata: {}', { id: undefined, type: 'e', data: {} }],
])('a frame is read: %j', (frame, parsed) => {
  expect(parseFrame(frame)).toEqual(parsed);
});

import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { ask, converse, thread } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { toSeedText } from '../support/seed-text.js';

describe('a conversation whose caller sends the full history without naming a thread', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
  });

  afterAll(() => app.close());

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body).expect(200);
  const keyOf = (response: Response): string => String(response.headers['x-chiron-thread-key']);
  const idOf = (response: Response): string => (response.body as { readonly id: string }).id;

  it('stays on one thread, whose agent remembers it', async () => {
    const first = await post(ask('one'));
    const second = await post(converse(['one', 'answer to one', 'two']));
    const third = await post(converse(['one', 'answer to one', 'two', 'answer to two', 'three']));
    expect([keyOf(second), keyOf(third)]).toEqual([keyOf(first), keyOf(first)]);
    expect(['one', 'two', 'three'].map((prompt) => app.harness.runsOf(prompt)[0]?.turn.turnIndex)).toEqual([0, 1, 2]);
  });

  it('is recognised by the text of its answers, however a client joins their blocks', async () => {
    app.harness.onRun = (run) => run.end(...textBlock('First. ', 'a'), ...textBlock('Second.', 'b'));
    const first = await post(ask('two blocks'));
    const joined = await post(converse(['two blocks', 'First.\nSecond.', 'next']));
    expect(keyOf(joined)).toBe(keyOf(first));
    app.harness.onRun = (run) => run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
  });

  it('is recognised by the answers as they were shown: with tools as text, and cut at a stop sequence', async () => {
    const inText = { 'x-chiron-tool-blocks': 'text' };
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'a.txt' }], isError: false },
        ...textBlock('One file. END More.'),
      );
    const stop = { stop_sequences: ['END'] };
    const first = await post(ask('as text', stop), inText);
    const { content } = first.body as { readonly content: readonly { readonly text: string }[] };
    const told = content.map(({ text }) => text).join('');
    expect(told).toContain('Bash(ls)');
    expect(told).not.toContain('More');
    expect(keyOf(await post(converse(['as text', told, 'next'], stop), inText))).toBe(keyOf(first));
    app.harness.onRun = (run) => run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
  });

  it('has one turn and one answer for identical requests, concurrent ones included', async () => {
    await post(ask('again'));
    const body = converse(['again', 'answer to again', 'and again']);
    const [one, other] = await Promise.all([post(body), post(body)]);
    const late = await post(body);
    expect([idOf(other), idOf(late)]).toEqual([idOf(one), idOf(one)]);
    expect(app.harness.runsOf('and again')).toHaveLength(1);
  });

  it('gets a new thread when it branches off an earlier message', async () => {
    const first = await post(ask('fork'));
    await post(converse(['fork', 'answer to fork', 'left']));
    const right = await post(converse(['fork', 'answer to fork', 'right']));
    expect(keyOf(right)).not.toBe(keyOf(first));
  });

  it.each([
    ['another answer', converse(['mine', 'another answer', 'next'])],
    ['another model', converse(['mine', 'answer to mine', 'next'], { model: 'claude-haiku-4-5' })],
    ['another system prompt', converse(['mine', 'answer to mine', 'next'], { system: 'You are B.' })],
    ['another user', converse(['mine', 'answer to mine', 'next'], { metadata: { user_id: 'somebody' } })],
  ])('is a different conversation with %s', async (_, body) => {
    const first = await post(ask('mine'));
    expect(keyOf(await post(body))).not.toBe(keyOf(first));
  });

  it('with a metadata.user_id continues for the same user', async () => {
    const metadata = { user_id: 'ada' };
    const first = await post(ask('of ada', { metadata }));
    expect(keyOf(await post(converse(['of ada', 'answer to of ada', 'next'], { metadata })))).toBe(keyOf(first));
  });

  it('does not match a named thread', async () => {
    await post(ask('by name'), thread('by-name'));
    expect(keyOf(await post(converse(['by name', 'answer to by name', 'next'])))).toMatch(/^api:/);
  });
});

describe('a conversation that began elsewhere', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(() => app.close());

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body).expect(200);
  const historyOf = (prompt: string): string => toSeedText(app.harness.runsOf(prompt)[0]?.turn.seed);

  it.each([
    ['without a name', {}],
    ['under a new name', thread('elsewhere')],
  ])('seeds the new agent once (%s)', async (name, headers) => {
    await post(converse(['I am Ada.', 'Hello Ada.', `who am I, ${name}`]), headers);
    expect(historyOf(`who am I, ${name}`)).toBe('<user>\nI am Ada.\n</user>\n<assistant>\nHello Ada.\n</assistant>');
    await post(converse(['I am Ada.', 'Hello Ada.', `who am I, ${name}`, 'fine', `and then, ${name}`]), headers);
    expect(historyOf(`and then, ${name}`)).toBe('');
    expect(app.harness.runsOf(`and then, ${name}`)[0]?.turn.turnIndex).toBe(1);
  });

  it('does not seed the agent with the first message or with system messages', async () => {
    await post(
      ask('', {
        messages: [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'a first one' },
        ],
      }),
    );
    expect(app.harness.runsOf('a first one')[0]?.turn.seed).toBeUndefined();
  });

  it('that is long seeds the agent with its newest part, whatever blocks it has', async () => {
    const odd = [
      { type: 'image' },
      { type: 'document', source: { type: 'file', file_id: 'f' } },
      { type: 'odd' },
      null,
      7,
    ];
    const messages = [
      { role: 'user', content: `OLDEST ${'x'.repeat(300_000)}` },
      { role: 'assistant', content: odd },
      { role: 'user', content: `NEWEST ${'x'.repeat(300_000)}` },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Read', input: { path: 'a' } }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't', content: 'text of a' },
          { type: 'text', text: 'go on' },
        ],
      },
    ];
    await post(ask('', { messages }));
    const run = app.harness.runs.at(-1);
    const told = toSeedText(run?.turn.seed);
    expect(told).toContain('NEWEST');
    expect(told).not.toContain('OLDEST');
    expect(told).toContain('[Earlier messages are omitted.]');
    expect(told).toContain('<tool_call name="Read">');
  });
});

it('a conversation without a name does not match a thread of another tenant', async () => {
  const { readConfig } = await import('../../src/config/app-config.js');
  const app = await startTestApp({
    apiKeys: readConfig({ CHIRON_API_KEYS: 'one:key-one-that-is-long-enough,two:key-two-that-is-long-enough' }).apiKeys,
  });
  try {
    app.harness.onRun = (run) => run.answer('fine');
    const post = (key: string, body: object) =>
      supertest(app.url).post('/v1/messages').set('x-api-key', key).send(body).expect(200);
    const first = await post('key-one-that-is-long-enough', ask('private'));
    const other = await post('key-two-that-is-long-enough', converse(['private', 'fine', 'next']));
    expect(other.headers['x-chiron-thread-key']).not.toBe(first.headers['x-chiron-thread-key']);
  } finally {
    await app.close();
  }
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/app-config.js';
import { eventually } from '../../support/eventually.js';
import { startTestApp, type TestApp } from '../../support/test-app.js';
import { Bot, type BotKind, DISCORD, GITHUB, isRetryable, LINEAR, SLACK, TEAMS } from './bots.js';
import { readHeardIds, readPrompt, renderAnswer, SessionApiError, SessionClient } from './session-client.js';

const KEY = 'centaur-clients-test-key-1';
let app: TestApp;
let client: SessionClient;
let threads = 0;

beforeAll(async () => {
  app = await startTestApp({
    apiKeys: readConfig({ CHIRON_API_KEYS: `bots:${KEY}` }).apiKeys,
    // The bots ask for Codex, which this server does not have; one asks for amp.
    harnessAliases: [
      { type: 'codex', harness: 'demo' },
      { type: 'amp', harness: 'demo' },
    ],
  });
  app.harness.isSteerable = true;
  client = new SessionClient(app.url, { authorization: `Bearer ${KEY}` });
});

afterAll(() => app.close());

const BOTS: readonly (readonly [string, BotKind, () => string])[] = [
  ['Slack', SLACK, () => `slack:T1:C1:${(threads += 1)}.1`],
  ['Linear', LINEAR, () => `linear:ISSUE-${(threads += 1)}:s:SESSION`],
  ['GitHub', GITHUB, () => `github:acme/web:${(threads += 1)}`],
  ['Discord', DISCORD, () => `discord:1:2:${(threads += 1)}`],
  ['Teams', TEAMS, () => `teams:${Buffer.from(`19:${(threads += 1)}`).toString('base64url')}`],
];

const countOf = (words: string, texts: readonly string[]): number => texts.join('\n').split(words).length - 1;

describe.each(BOTS)('centaur’s %s bot', (_, kind, newThread) => {
  const bot = (harness?: string) => new Bot(kind, client, newThread(), harness);

  it('gets the answers of a first and a second turn, each to its own message', async () => {
    const slack = bot();
    const first = await slack.render(await slack.forward({ id: 'M1', text: 'the first wish' }));
    expect(renderAnswer(first)).toContain('This is turn 1');
    expect(countOf('the first wish', readPrompt(first))).toBe(1);
    const second = await slack.render(await slack.forward({ id: 'M2', text: 'the second wish' }));
    expect(renderAnswer(second)).toContain('This is turn 2');
    expect(countOf('the second wish', readPrompt(second))).toBe(1);
    expect(countOf('the first wish', readPrompt(second))).toBe(0);
  });

  it('gets the same execution and events for the same message again', async () => {
    const twice = bot();
    const execution = await twice.forward({ id: 'M1', text: 'once' });
    const events = await twice.render(execution);
    expect(await twice.forward({ id: 'M1', text: 'once' })).toBe(execution);
    const again = await twice.render(execution, 0);
    expect(again.map(({ id, event }) => [id, event])).toEqual(events.map(({ id, event }) => [id, event]));
  });

  it('gives its attachments to the agent, in the line and in chunks before it', async () => {
    const files = bot('claudecode');
    const small = Buffer.from('a small note').toString('base64');
    const large = Buffer.alloc(800_000, 'x').toString('base64');
    const attachments = [
      { name: 'note.txt', mimeType: 'text/plain', dataBase64: small },
      { name: 'photo.png', mimeType: 'image/png', dataBase64: large },
    ];
    const runs = app.harness.runs.length;
    await files.forward({ id: 'M1', text: 'look', attachments });
    await eventually(() => app.harness.runs.length).toBe(runs + 1);
    const run = app.harness.runs.at(-1);
    const blocks = run?.turn.prompt.filter(({ type }) => type !== 'text') ?? [];
    expect(blocks).toEqual([
      { type: 'document', title: 'note.txt', source: { type: 'text', media_type: 'text/plain', data: 'a small note' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: large } },
    ]);
    run?.answer('seen');
  });

  it('steers a running turn with the messages that it appends, each heard once', async () => {
    const steering = bot('claudecode');
    const execution = await steering.forward({ id: 'M1', text: 'long work' });
    const runs = () => app.harness.runs.filter(({ thread }) => thread.env['CENTAUR_THREAD_KEY'] === steering.threadKey);
    await eventually(() => runs().length).toBe(1);
    const heard = await steering.append({ id: 'M2', text: 'one more thing' }, { id: 'B1', text: 'a note', isMe: true });
    // The bot may try again when it had no answer.
    await steering.append({ id: 'M2', text: 'one more thing' });
    await eventually(() => runs()[0]?.steeredTexts).toEqual(['one more thing']);
    const conflict: unknown = await steering.execute({ id: 'M3', text: 'busy' }).catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(SessionApiError);
    expect(isRetryable(conflict)).toBe(false);
    expect(String(conflict)).toContain('active_execution_conflict');
    runs()[0]?.hear();
    await steering.append({ id: 'M4', text: 'and this, too late' });
    await eventually(() => runs()[0]?.steeredTexts).toEqual(['one more thing', 'and this, too late']);
    runs()[0]?.answer('done');
    const events = await steering.render(execution);
    expect(readHeardIds(events)).toEqual([(heard['message_ids'] as readonly unknown[])[0]]);
    const next = await steering.forward({ id: 'M5', text: 'my next wish' });
    await eventually(() => runs().length).toBe(2);
    runs()[1]?.answer('fine');
    const prompt = readPrompt(await steering.render(next));
    for (const words of ['and this, too late', 'my next wish']) expect(countOf(words, prompt)).toBe(1);
    expect(countOf('one more thing', prompt)).toBe(0);
  });

  it('interrupts its turn and goes on', async () => {
    const stopping = bot('claudecode');
    const execution = await stopping.forward({ id: 'M1', text: 'stop this' });
    const answer = await client.interrupt(stopping.threadKey, 'user pressed stop');
    expect(answer).toMatchObject({ ok: true, interrupted: true, execution_id: execution });
    expect((await stopping.render(execution)).at(-1)?.event).toBe('session.execution_cancelled');
  });
});

describe.each([BOTS[0], BOTS[4]].flatMap((entry) => (entry === undefined ? [] : [entry])))(
  'centaur’s %s bot in a thread',
  (_, kind, newThread) => {
    it('says the earlier messages of the thread once, although it appends them and repeats them', async () => {
      const bot = new Bot(kind, client, newThread());
      const context = [
        { id: 'M1', text: 'we talked of apples\nand of pears' },
        { id: 'B1', text: 'I am the bot', isMe: true },
      ];
      const prompt = readPrompt(await bot.render(await bot.forward({ id: 'M2', text: 'what did we say?' }, context)));
      for (const words of ['we talked of apples', 'I am the bot', 'what did we say?'])
        expect(countOf(words, prompt)).toBe(1);
    });
  },
);

describe('centaur’s Slack bot', () => {
  it('keeps a thread alive that has another harness than its default', async () => {
    const key = `slack:C1:${(threads += 1)}.2`;
    await new Bot(SLACK, client, key, 'claudecode').create();
    await new Bot(SLACK, client, key).create();
    expect(await client.get(key)).toMatchObject({ harness_type: 'claudecode' });
  });

  it('is told in the thread that a model was not used', async () => {
    const bot = new Bot(SLACK, client, `slack:C1:${(threads += 1)}.3`);
    await bot.create();
    const events = await bot.render(
      await bot.execute({ id: 'M1', text: 'hi' }, [], { model: 'gpt-6', reasoning: 'high' }),
    );
    expect(renderAnswer(events)).toContain('The model was not changed: demo has no model named gpt-6.');
  });
});

describe('Atrium', () => {
  it('drives a session with its own header, and cancels what is in flight when it releases it', async () => {
    const atrium = new SessionClient(app.url, { 'x-api-key': KEY });
    const key = `atrium:${(threads += 1)}`;
    await atrium.create(key, { harness_type: 'amp', metadata: { source: 'atrium', harness: 'amp', spawn_id: 'S1' } });
    await atrium.append(key, [{ client_message_id: 'A1', role: 'user', parts: [{ type: 'text', text: '/sleep 60' }] }]);
    const line = JSON.stringify({
      type: 'user',
      message: { role: 'user', content: [{ type: 'text', text: '/sleep 60' }] },
    });
    const { execution_id } = await atrium.execute(key, { idempotency_key: 'A1', metadata: {}, input_lines: [line] });
    const events = atrium.tail(key, { after: 0 });
    await eventually(async () => (await atrium.get(key))['status']).toBe('executing');
    await atrium.append(key, [{ client_message_id: 'A2', role: 'user', parts: [{ type: 'text', text: 'hear this' }] }]);
    const released = await atrium.cancel(key, { release_id: 'R1', cancel_inflight: true });
    expect(released).toMatchObject({ ok: true, cancel_inflight: true, execution_id });
    const all = await events;
    expect(all.at(-1)?.event).toBe('session.execution_cancelled');
    expect(renderAnswer(all).split('Meanwhile you said: hear this')).toHaveLength(2);
    expect(countOf('/sleep 60', readPrompt(all))).toBe(1);
  });
});

describe('centaur’s console', () => {
  it('says once what it appends and executes under another key', async () => {
    const key = `chat:${(threads += 1)}`;
    await client.create(key, { harness_type: 'codex', persona_id: null, on_harness_conflict: 'reject' });
    await client.append(key, [
      { client_message_id: 'U1', role: 'user', parts: [{ type: 'text', text: 'from the console' }] },
    ]);
    const content = [
      { type: 'text', text: '# Requester Context\n\nThe Console user is Ada.' },
      { type: 'text', text: 'from the console' },
    ];
    const line = JSON.stringify({ type: 'user', client_user_message_id: 'U1', message: { role: 'user', content } });
    const { execution_id } = await client.execute(key, { idempotency_key: 'U2', metadata: {}, input_lines: [line] });
    const prompt = readPrompt(await client.tail(key, { after: 0, executionId: String(execution_id) }));
    expect(countOf('from the console', prompt)).toBe(1);
  });
});

describe('centaur’s feedback tool', () => {
  it('says once what it appends without an id, on an alias of a harness', async () => {
    const key = `feedback-improvement:${(threads += 1)}`;
    await client.create(key, { harness_type: 'amp', metadata: {}, on_harness_conflict: 'restart' });
    const parts = [{ type: 'text', text: 'improve the reply' }];
    await client.append(key, [{ role: 'user', parts, metadata: {} }]);
    const lines = [JSON.stringify({ type: 'user', message: { content: parts } })];
    const { execution_id } = await client.execute(key, { idempotency_key: 'F1', metadata: {}, input_lines: lines });
    const prompt = readPrompt(await client.tail(key, { after: 0, executionId: String(execution_id) }));
    expect(prompt).toEqual(['improve the reply']);
  });
});

describe('centaur’s Python SDK in the sandbox', () => {
  it.each([
    ['slack:T9:C9:17.9', 'slack', { channel_id: 'C9', thread_ts: '17.9' }],
    ['discord:9:8:7', 'discord', { guild_id: '9', channel_id: '8', thread_id: '7' }],
    ['linear:I9:c:C9:s:S9', 'linear', { issue_id: 'I9', comment_id: 'C9', agent_session_id: 'S9' }],
    ['github:acme/web:9:rc:8', 'github', { owner: 'acme', repo: 'web', number: 9, kind: 'pr', review_comment_id: 8 }],
  ])('finds the chat of %s', async (key, platform, place) => {
    await client.create(key, { harness_type: 'codex' });
    expect(await client.get(key)).toMatchObject({ thread_key: key, platform, [platform]: place });
  });
});

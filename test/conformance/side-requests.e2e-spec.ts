import { describe, expect, it } from 'vitest';
import { recorded, RECORDINGS } from '../../src/clients/claude-code/__fixtures__/recorded.js';
import { SideThreadRemover } from '../../src/turns/cleanup/side-thread-remover.js';
import { ask, converse } from '../support/requests.js';
import { ConformanceServer } from './support/server.js';

const server = new ConformanceServer();

/** Claude Code 2.1.330, interactive, behind a custom base URL: each request has the session id and the same model. */
const SESSION = {
  'user-agent': 'claude-cli/2.1.330 (external, cli)',
  'x-app': 'cli',
  'x-claude-code-session-id': 'the-session',
};
const TOOLS = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] };
const IDENTITY = [
  { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330.765; cc_entrypoint=cli;' },
  { type: 'text', text: "You are Claude Code, Anthropic's official CLI for Claude." },
];
const title = (text: string) =>
  ask(`<session>\n${text}\n</session>\n\nWrite the title in the predominant language…`, {
    tools: [],
    system: [...IDENTITY, { type: 'text', text: 'You are naming a coding session…' }],
    output_config: {
      format: { type: 'json_schema', schema: { type: 'object', properties: { title: { type: 'string' } } } },
    },
  });
const main = (prompt: string, more: Readonly<Record<string, unknown>> = {}) => ask(prompt, { ...TOOLS, ...more });

const keyOf = ({ headers }: { readonly headers: unknown }): string =>
  (headers as Readonly<Record<string, string>>)['x-chiron-thread-key'] ?? '';

describe('a side request', () => {
  it.each([false, true])('A.10 for a title is answered without an agent (stream: %s)', async (stream) => {
    const [runs, turns] = [server.harness.runs.length, await server.app.count('turns')];
    const response = await server.post({ ...title('Fix the login page'), stream }, SESSION).expect(200);
    expect(response.text).toMatch(/"text":"\{\\"title\\":\\"Fix the login page\\"\}"/);
    expect(keyOf(response)).toMatch(/^side:/);
    expect([server.harness.runs.length, await server.app.count('turns')]).toEqual([runs, turns]);
  });

  it('A.10 for a title neither waits for the running turn nor affects it', async () => {
    const { stream, run } = await server.held('the real one', main('the real one'), SESSION);
    await server.post(title('the real one'), SESSION).expect(200);
    await server.post(main('of a sub-agent'), { ...SESSION, 'x-claude-code-agent-id': 'a1' }).expect(200);
    expect(run.interrupted).toBe(false);
    run.answer('done');
    expect((await stream.done()).said).toBe('done');
    expect(keyOf(stream)).toBe('api:claude:the-session');
  });

  const others: readonly (readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<string, string>>])[] = [
    ['a summary, without tools', { tools: [] }, {}],
    ['a suggestion, without the field', {}, {}],
    ['a classifier, with another model', { tools: [], model: 'claude-haiku-5-5' }, {}],
    [
      'a question with a schema',
      { tools: [], output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
      {},
    ],
    ['a sub-agent', TOOLS, { 'x-claude-code-agent-id': 'a1' }],
    ['a background request', { tools: [] }, { 'x-app': 'cli-bg' }],
  ];

  it.each(others)(
    'A.10 (%s) does not affect the thread, its model, its system prompt or its turn count',
    async (name, more, headers) => {
      const session = { ...SESSION, 'x-claude-code-session-id': name.replaceAll(/\W/g, '-') };
      const aside = await server.post(ask(`beside: ${name}`, { system: 'You are another.', ...more }), {
        ...session,
        ...headers,
      });
      expect([aside.status, keyOf(aside)]).toEqual([200, expect.stringMatching(/^side:/)]);
      expect(server.harness.runsOf(`beside: ${name}`)[0]?.thread.tools).toBe('none');
      const real = await server.post(main(`real: ${name}`, { system: 'Be brief.' }), session).expect(200);
      expect(real.body).toMatchObject({ model: 'claude-opus-5-5' });
      const [run] = server.harness.runsOf(`real: ${name}`);
      expect(run?.turn.turnIndex).toBe(0);
      expect(run?.thread.systemPrompt).not.toContain('You are another.');
    },
  );

  it.each(RECORDINGS.filter((name) => recorded(name).isSideRequest))(
    'A.10 of a Claude Code recording is detected: %s',
    async (name) => {
      const { headers, body } = recorded(name);
      const response = await server.post({ ...body, stream: true }, headers).expect(200);
      expect(keyOf(response)).toMatch(/^side:/);
    },
  );

  it.each([0, 1])(
    'A.10 that is a probe with max_tokens %i is answered without an agent, for any client',
    async (max_tokens) => {
      const [runs, threads] = [server.harness.runs.length, await server.app.count('threads')];
      await server.post(main('quota', { max_tokens }), SESSION).expect(200);
      await server.post(ask('quota', { max_tokens })).expect(200);
      expect([server.harness.runs.length, await server.app.count('threads')]).toEqual([runs, threads]);
    },
  );

  it('A.10 has its thread removed later, and no other thread', async () => {
    await server.post(main('to be kept'), { ...SESSION, 'x-claude-code-session-id': 'kept' }).expect(200);
    await server.post(ask('in passing'), { ...SESSION, 'x-claude-code-session-id': 'kept' }).expect(200);
    await server.app.app.get(SideThreadRemover).remove(Date.now() + 3_600_000);
    await server
      .post(converse(['to be kept', 'fine', 'still here'], TOOLS), { ...SESSION, 'x-claude-code-session-id': 'kept' })
      .expect(200);
    expect(server.harness.runsOf('still here')[0]?.turn.turnIndex).toBe(1);
  });
});

describe('a request of the conversation', () => {
  it.each(RECORDINGS.filter((name) => !recorded(name).isSideRequest && name !== 'main-thread-continue'))(
    'A.10 of a Claude Code recording runs on the thread of its session: %s',
    async (name) => {
      const { headers, body } = recorded(name);
      const session = { ...headers, 'x-claude-code-session-id': name };
      const response = await server.post({ ...body, stream: true }, session).expect(200);
      expect(keyOf(response)).toBe(`api:claude:${name}`);
    },
  );

  it('A.10 is any request of another client, even with a schema and without tools', async () => {
    server.plays('as JSON', (run) => run.answer('{"title":"x"}'));
    const { output_config } = title('x') as { readonly output_config: object };
    const headers = { 'x-claude-code-session-id': 'of-an-sdk' };
    expect(keyOf(await server.post(ask('as JSON', { output_config }), headers).expect(200))).toBe(
      'api:claude:of-an-sdk',
    );
    expect(keyOf(await server.post(ask('no tools'), headers).expect(200))).toBe('api:claude:of-an-sdk');
    expect(server.harness.runsOf('no tools')[0]?.turn.turnIndex).toBe(1);
  });

  it('A.10 passes on the system prompt without billing line, marked as about the caller’s machine', async () => {
    const system = [...IDENTITY, { type: 'text', text: '\n# Environment\nWorking directory: /home/me' }];
    await server
      .post(main('whose machine', { system }), { ...SESSION, 'x-claude-code-session-id': 'machine' })
      .expect(200);
    const [run] = server.harness.runsOf('whose machine');
    expect(run?.thread.systemPrompt).not.toContain('x-anthropic-billing-header');
    expect(run?.thread.systemPrompt).toMatch(/of the caller[\s\S]*\/home\/me/);
  });
});

describe('a request of the conversation where callers’ system prompts are ignored', () => {
  const strict = new ConformanceServer({ callerSystem: 'ignore' });

  it('A.10 passes on no system prompt', async () => {
    await strict.post(main('no prompt', { system: IDENTITY }), SESSION).expect(200);
    expect(strict.harness.runsOf('no prompt')[0]?.thread.systemPrompt).toBeUndefined();
  });
});

import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { converse, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const TOOLS = [{ name: 'Bash', input_schema: { type: 'object' } }];

const outcomeOf = ({ headers }: Response): unknown => headers['x-chiron-history'];
const keyOf = ({ headers }: Response): string => String(headers['x-chiron-thread-key']);
const textsOf = ({ body }: Response): readonly string[] =>
  (body as { readonly content: readonly { readonly text: string }[] }).content.map(({ text }) => text);

describe.each(await testedKinds())('a thread that several clients share, on %s', (kind) => {
  let store: TestStore;
  let app: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    const { dataDirectory, databaseUrl } = store.options;
    app = await startTestApp({ dataDirectory, databaseUrl });
    app.harness.onRun = (run) => {
      run.say({ type: 'session-started', sessionId: `session of ${run.thread.id}` });
      run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
    };
  });
  afterAll(async () => {
    await app.close();
    await store.remove();
  });

  /** A Claude Code in a terminal, whose session has this name. It sends its conversation with each prompt. */
  function claudeCode(
    name: string,
    key: string,
    known?: { readonly prompts: readonly string[]; readonly turns: string },
  ) {
    const prompts = [...(known?.prompts ?? [])];
    return async (prompt: string, rewindTo = prompts.length, status = 200): Promise<Response> => {
      prompts.splice(rewindTo, prompts.length, prompt);
      const said = prompts.flatMap((text, index) => (index < prompts.length - 1 ? [text, `seen ${text}`] : [text]));
      const session = JSON.stringify({ device_id: 'd', account_uuid: '', session_id: `0000-${name}` });
      const body = { ...converse(said), tools: TOOLS, metadata: { user_id: session } };
      return supertest(app.url)
        .post('/v1/messages')
        .set({ 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-app': 'cli', ...thread(key) })
        .set(known === undefined ? {} : { 'x-chiron-known-turns': known.turns })
        .send(body)
        .expect(status);
    };
  }

  async function inSlack(key: string, text: string): Promise<void> {
    const url = `/api/session/${encodeURIComponent(`test:${key}`)}`;
    await supertest(app.url).post(url).send({ harness_type: 'claudecode' }).expect(200);
    const before = app.harness.runs.length;
    await supertest(app.url)
      .post(`${url}/execute`)
      .send({ input_lines: [text] })
      .expect(200);
    await eventually(() => app.harness.runs.length).toBe(before + 1);
    await eventually(async () => (await supertest(app.url).get(url)).body as object).toMatchObject({ status: 'idle' });
  }

  it('is not forked by a client that lacks the turns of another one', async () => {
    const [one, two] = [claudeCode('one', 'both'), claudeCode('two', 'both')];
    await one('a');
    await two('b');
    const [third, fourth] = [await one('c'), await two('d')];
    expect([third, fourth].map(outcomeOf)).toEqual(['continued', 'continued']);
    expect([third, fourth].map(keyOf)).toEqual(['test:both', 'test:both']);
    expect(app.harness.runsOf('d').at(-1)?.turn.turnIndex).toBe(3);
  });

  it('is forked by a client that took back its own turn, and not for those of another one', async () => {
    const [one, two] = [claudeCode('one', 'own'), claudeCode('two', 'own')];
    await one('a');
    await one('b');
    expect(outcomeOf(await one('b, again', 1))).toBe('forked');
    await two('c');
    expect(outcomeOf(await one('d'))).toBe('continued');
  });

  it('tells a client in its next answer what others did since its last one, and once', async () => {
    await inSlack('told', 'from Slack');
    const claude = claudeCode('one', 'told', { prompts: ['from Slack'], turns: '1-1' });
    expect(textsOf(await claude('a'))).toEqual(['answer to a']);
    await inSlack('told', 'again from Slack');
    const other = await claudeCode('two', 'told')('from another terminal');
    expect(textsOf(other)).toEqual(['answer to from another terminal']);
    const [news, answer] = textsOf(await claude('b'));
    expect(answer).toBe('answer to b');
    expect(news?.split('\n').slice(2)).toEqual([
      '- **Another client:** again from Slack',
      '- **Agent:** answer to again from Slack',
      '- **Claude Code:** from another terminal',
      '- **Agent:** answer to from another terminal',
    ]);
    expect(textsOf(await claude('c'))).toEqual(['answer to c']);
  });

  it('tells it at its next try of a turn that failed, and nothing of that turn', async () => {
    const claude = claudeCode('one', 'retried');
    await claude('a');
    await inSlack('retried', 'before the failure');
    const onRun = app.harness.onRun;
    app.harness.onRun = (run) => run.fail('overloaded');
    await claude('b', 1, 529);
    app.harness.onRun = onRun;
    const [news] = textsOf(await claude('b', 1));
    expect(news?.split('\n').slice(2)).toEqual([
      '- **Another client:** before the failure',
      '- **Agent:** answer to before the failure',
    ]);
    app.harness.onRun = (run) => run.fail('overloaded');
    await claude('c', 2, 529);
    app.harness.onRun = onRun;
    await inSlack('retried', 'after the failure');
    expect(
      textsOf(await claude('d', 2))[0]
        ?.split('\n')
        .slice(2),
    ).toEqual(['- **Another client:** after the failure', '- **Agent:** answer to after the failure']);
  });

  it('goes on with a client that was given its turns, and forks where that takes one of them back', async () => {
    for (const text of ['s1', 's2', 's3']) await inSlack('given', text);
    const given = { prompts: ['s1', 's2', 's3'], turns: '1-3' };
    const claude = claudeCode('one', 'given', given);
    expect(outcomeOf(await claude('a'))).toBe('continued');
    expect(outcomeOf(await claude('b'))).toBe('continued');
    expect(outcomeOf(await claude('instead of s3', 2))).toBe('forked');
    expect(app.harness.runsOf('instead of s3').at(-1)?.turn.dropFrom).toBeDefined();
  });

  it('goes on with a client that was given only its last turns', async () => {
    for (const text of ['s1', 's2', 's3', 's4']) await inSlack('part', text);
    const claude = claudeCode('one', 'part', { prompts: ['s3', 's4'], turns: '3-4' });
    expect(outcomeOf(await claude('a'))).toBe('continued');
    expect(outcomeOf(await claude('instead of s4', 1))).toBe('forked');
    expect(keyOf(await claude('b'))).toBe('test:part');
  });

  it('goes on with a client that was given a turn without text, which it shows in its own words', async () => {
    await inSlack('picture', 's1');
    const source = { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' };
    const content = [{ type: 'document', source }];
    await inSlack('picture', JSON.stringify({ type: 'user', message: { role: 'user', content } }));
    const claude = claudeCode('one', 'picture', { prompts: ['s1', '[document]'], turns: '1-2' });
    const answer = await claude('a');
    expect([outcomeOf(answer), keyOf(answer)]).toEqual(['continued', 'test:picture']);
    expect(app.harness.runsOf('a').at(-1)?.turn.turnIndex).toBe(2);
  });

  it('refuses turns that are no turns, and makes none', async () => {
    const before = app.harness.runs.length;
    const response = await supertest(app.url)
      .post('/v1/messages')
      .set({ ...thread('malformed'), 'x-chiron-known-turns': 'all' })
      .send(converse(['a']));
    expect(response.status).toBe(400);
    expect(JSON.stringify(response.body)).toContain('x-chiron-known-turns');
    expect(app.harness.runs.length).toBe(before);
  });
});

// Over 250 lines: every decision on a history is seen over HTTP, on both databases.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { HarnessGateway } from '../../src/harness/harness.gateway.js';
import { ThreadStore } from '../../src/storage/stores/thread.store.js';
import { TurnStore } from '../../src/storage/stores/turn.store.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import { toSeedText } from '../support/seed-text.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-app': 'cli' };
const TOOLS = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] };

const keyOf = ({ headers }: Response): string => String(headers['x-chiron-thread-key']);
const outcomeOf = ({ headers }: Response): unknown => headers['x-chiron-history'];
const idOf = ({ body }: Response): string => (body as { readonly id: string }).id;

describe.each(await testedKinds())('the history of a request to a named thread on %s', (kind) => {
  let store: TestStore;
  let settings: TestSettings;
  let app: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    settings = { dataDirectory: store.options.dataDirectory, databaseUrl: store.options.databaseUrl };
    app = await start();
  });

  afterAll(async () => {
    await app.close({ keepData: true });
    await store.remove();
  });

  async function start(): Promise<TestApp> {
    const started = await startTestApp(settings);
    started.harness.onRun = (run) => {
      run.say({ type: 'session-started', sessionId: `session of ${run.thread.id}` });
      run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
    };
    return started;
  }

  const post = (body: object, headers: Readonly<Record<string, string>>) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body).expect(200);
  /** A conversation with these prompts, answered as the agent answers. */
  const talk = (...prompts: readonly string[]) =>
    converse(prompts.flatMap((text, index) => (index === prompts.length - 1 ? [text] : [text, `answer to ${text}`])));
  /** Sends the conversation prompt by prompt. */
  async function say(name: string, ...prompts: readonly string[]): Promise<readonly Response[]> {
    const responses: Response[] = [];
    for (const [index] of prompts.entries()) {
      responses.push(await post(talk(...prompts.slice(0, index + 1)), thread(name)));
    }
    return responses;
  }
  const runOf = (prompt: string) => app.harness.runsOf(prompt).at(-1);
  const threadOf = (key: string) => app.app.get(ThreadStore).find('local', key);
  const branchesOf = async (name: string): Promise<readonly string[]> => {
    const threads = await app.app.get(ThreadStore).list('local', { limit: 1000 });
    return threads.map(({ key }) => key).filter((key) => key.startsWith(`test:${name}~`));
  };
  const threadFile = (id: string, name: string): string => join(app.dataDirectory, 'threads', id, 'workspace', name);

  it('is new, continued, and attached', async () => {
    const [first, second] = await say('plain', 'a1', 'a2');
    const again = await post(talk('a1', 'a2'), thread('plain'));
    expect([first, second, again].map((response) => response && outcomeOf(response))).toEqual([
      'new',
      'continued',
      'attached',
    ]);
    expect(second && idOf(again) === idOf(second)).toBe(true);
    expect(runOf('a2')?.turn.seed).toBeUndefined();
  });

  it('with other answers than those that were sent is continued', async () => {
    await say('reworded', 'b1', 'b2');
    const next = await post(converse(['b1', 'my own words', 'b2', '', 'b3']), thread('reworded'));
    expect(outcomeOf(next)).toBe('continued');
    expect(runOf('b3')?.turn.turnIndex).toBe(2);
  });

  it('that is alone is continued, as its caller may send only the newest message', async () => {
    await say('alone', 'c1', 'c2');
    expect(outcomeOf(await post(ask('c3'), thread('alone')))).toBe('continued');
    expect(outcomeOf(await post(talk('c1', 'c2', 'c3', 'c4'), thread('alone')))).toBe('continued');
  });

  it('of a thread that is unknown seeds the agent with roles, calls and results', async () => {
    const messages = [
      { role: 'user', content: 'weather?' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'weather', input: { city: 'Rome' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'sunny' }] },
    ];
    const response = await post(ask('', { messages }), thread('unknown'));
    expect(outcomeOf(response)).toBe('seeded');
    expect(runOf('Go on with the results of these calls.')?.turn.seed).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'weather?' }] },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', id: 't', name: 'weather', server: 'caller', input: { city: 'Rome' } }],
      },
      {
        role: 'user',
        content: [{ type: 'tool-result', id: 't', content: [{ type: 'text', text: 'sunny' }], isError: false }],
      },
    ]);
  });

  it('with messages that the thread lacks seeds the agent with those', async () => {
    await say('lacking', 'd1');
    const next = await post(talk('d1', 'said elsewhere', 'd3'), thread('lacking'));
    expect(outcomeOf(next)).toBe('seeded');
    expect(toSeedText(runOf('d3')?.turn.seed)).toBe(
      '<user>\nsaid elsewhere\n</user>\n<assistant>\nanswer to said elsewhere\n</assistant>',
    );
  });

  it('that was rewound forks the thread: the agent drops the later turns, in the same folders', async () => {
    await say('rewound', 'e1', 'e2', 'e3');
    const before = await threadOf('test:rewound');
    const dropped = runOf('e2')?.turn.id;
    const next = await post(talk('e1', 'e2 in other words'), thread('rewound'));
    expect([outcomeOf(next), keyOf(next)]).toEqual(['forked', 'test:rewound']);
    const run = runOf('e2 in other words');
    expect(run?.thread).toMatchObject({ id: before?.id, sessionId: `session of ${before?.id}` });
    expect(run?.turn).toMatchObject({ dropFrom: dropped, turnIndex: 1 });
    expect(run?.turn.seed).toBeUndefined();
    const after = await post(talk('e1', 'e2 in other words', 'e4'), thread('rewound'));
    expect(outcomeOf(after)).toBe('continued');
    expect(runOf('e4')?.turn).toMatchObject({ turnIndex: 2 });
    expect(runOf('e4')?.turn.dropFrom).toBeUndefined();
  });

  it('that was edited forks the thread, and seeds the agent with what follows', async () => {
    await say('edited', 'f1', 'f2', 'f3');
    const next = await post(talk('f1', 'f2 edited', 'f3 edited'), thread('edited'));
    expect(outcomeOf(next)).toBe('forked');
    expect(toSeedText(runOf('f3 edited')?.turn.seed)).toBe(
      '<user>\nf2 edited\n</user>\n<assistant>\nanswer to f2 edited\n</assistant>',
    );
    expect(outcomeOf(await post(talk('f1', 'f2 edited', 'f3 edited', 'f4'), thread('edited')))).toBe('continued');
  });

  it('with nothing of the thread forks it at its start, and seeds the agent with all', async () => {
    await say('other', 'g1', 'g2');
    const next = await post(talk('h1', 'h2'), thread('other'));
    expect([outcomeOf(next), keyOf(next)]).toEqual(['forked', 'test:other']);
    expect(runOf('h2')?.turn).toMatchObject({ dropFrom: runOf('g1')?.turn.id, turnIndex: 0 });
    expect(toSeedText(runOf('h2')?.turn.seed)).toContain('answer to h1');
    expect(outcomeOf(await post(talk('h1', 'h2', 'h3'), thread('other')))).toBe('continued');
    expect(runOf('h3')?.turn.turnIndex).toBe(1);
  });

  it('that was rewound twice forks twice, and each branch is in the control plane', async () => {
    await say('twice', 'i1', 'i2');
    expect(outcomeOf(await post(talk('i1', 'i2b'), thread('twice')))).toBe('forked');
    expect(outcomeOf(await post(talk('i1', 'i2c'), thread('twice')))).toBe('forked');
    expect(runOf('i2c')?.turn.turnIndex).toBe(1);
    expect(outcomeOf(await post(talk('i1', 'i2c', 'i3'), thread('twice')))).toBe('continued');
    expect(runOf('i3')?.turn.turnIndex).toBe(2);
    const branches = await branchesOf('twice');
    expect(branches).toHaveLength(2);
    for (const key of branches) {
      expect(key).toMatch(/^test:twice~[\da-f]{8}$/);
      const session = await supertest(app.url)
        .get(`/api/session/${encodeURIComponent(key)}`)
        .expect(200);
      expect(session.body).toMatchObject({ thread_key: key });
    }
  });

  it('of a branch goes on there, with its record and its files, whatever key the request has', async () => {
    await say('back', 'j1', 'j2');
    const original = await threadOf('test:back');
    writeFileSync(threadFile(original?.id ?? '', 'notes'), 'before the fork');
    await post(talk('j1', 'j2b'), thread('back'));
    writeFileSync(threadFile(original?.id ?? '', 'notes'), 'after the fork');
    const [branch = ''] = await branchesOf('back');
    expect([(await threadOf('test:back'))?.turnCount, (await threadOf(branch))?.turnCount]).toEqual([2, 1]);
    const old = await post(talk('j1', 'j2', 'j3'), thread('back'));
    expect([outcomeOf(old), keyOf(old)]).toEqual(['continued', branch]);
    const run = runOf('j3');
    expect(run?.thread.sessionId).toBe(`session of ${original?.id}`);
    expect(run?.turn).toMatchObject({ turnIndex: 2 });
    expect(readFileSync(threadFile(run?.thread.id ?? '', 'notes'), 'utf8')).toBe('before the fork');
    // A retry finds it there, too, and both go on.
    expect(idOf(await post(talk('j1', 'j2', 'j3'), thread('back')))).toBe(idOf(old));
    expect(keyOf(await post(talk('j1', 'j2', 'j3', 'j4'), thread('back')))).toBe(branch);
    expect(keyOf(await post(talk('j1', 'j2b', 'j5'), thread('back')))).toBe('test:back');
    expect(outcomeOf(await post(talk('j1', 'j2', 'j3 edited', 'j6'), thread('back')))).toBe('forked');
    expect(await branchesOf('back')).toHaveLength(2);
  });

  it('of a message before the fork can be continued by the id of its answer', async () => {
    const [first, second] = await say('by-id', 'k1', 'k2', 'k3');
    await post(talk('k1', 'k2', 'k3b'), thread('by-id'));
    const continued = (response: Response | undefined, prompt: string) =>
      supertest(app.url)
        .post('/v1/messages')
        .send(ask(prompt, { thread: { type: 'continue', previous_message_id: response && idOf(response) } }));
    // As in the API, the thread was continued from there already.
    expect((await continued(first, 'k4')).body).toMatchObject({
      error: { details: { error_code: 'thread_already_continued' } },
    });
    expect((await continued(second, 'k4')).status).toBe(400);
    const [branch] = await branchesOf('by-id');
    const last = await post(talk('k1', 'k2', 'k3', 'k4'), thread('by-id'));
    expect(keyOf(last)).toBe(branch);
    expect(keyOf(await continued(last, 'k5').expect(200))).toBe(branch);
  });

  it('that the client compacted goes on with the thread’s own record', async () => {
    await say('compacted', 'l1', 'l2', 'l3');
    const window = await post(converse(['A summary.', 'I see.', 'l3', 'answer to l3', 'l4']), thread('compacted'));
    expect(outcomeOf(window)).toBe('compacted');
    const after = ['A summary.', 'I see.', 'l3', 'answer to l3', 'l4', 'answer to l4', 'l5'];
    expect(outcomeOf(await post(converse(after), thread('compacted')))).toBe('continued');
    expect(runOf('l5')?.turn).toMatchObject({ turnIndex: 4 });
    expect(runOf('l5')?.turn.seed).toBeUndefined();
    expect(await branchesOf('compacted')).toEqual([]);
  });

  it('that was rewound to its beginning in Claude Code forks the thread, and one of a session that joins it does not', async () => {
    const headers = { ...CLAUDE_CODE, ...thread('joined') };
    const by = (session: string) => ({ ...TOOLS, metadata: { user_id: JSON.stringify({ session_id: session }) } });
    expect(outcomeOf(await post(ask('j1', by('first')), headers))).toBe('new');
    expect(outcomeOf(await post(ask('j2', by('second')), headers))).toBe('continued');
    const talked = converse(['j2', 'answer to j2', 'j3'], by('second'));
    expect(outcomeOf(await post(talked, headers))).toBe('continued');
    expect(runOf('j3')?.turn.turnIndex).toBe(2);
    expect(outcomeOf(await post(ask('j1 in other words', by('first')), headers))).toBe('forked');
    expect(runOf('j1 in other words')?.turn.turnIndex).toBe(0);
  });

  it('is not taken for rewound while the last turn runs, and not if its answer never arrived', async () => {
    await say('running', 'm1');
    const { onRun } = app.harness;
    app.harness.onRun = () => undefined;
    const lost = SseClient.post(app.url, { ...talk('m1', 'm2'), stream: true }, thread('running'));
    const run = await app.harness.run('m2');
    const other = SseClient.post(app.url, talk('m1', 'm3'), thread('running'));
    await eventually(() => app.count('turns')).toBeGreaterThan(2);
    lost.leave();
    await eventually(() => lost.closed).toBe(true);
    app.harness.onRun = onRun;
    run.answer('nobody hears this');
    await other.done();
    expect(other.headers['x-chiron-history']).toBe('continued');
    expect(outcomeOf(await post(talk('m1', 'm3', 'm4'), thread('running')))).toBe('continued');
    expect(runOf('m4')?.turn.turnIndex).toBe(3);
    app.harness.onRun = () => undefined;
    const given = SseClient.post(app.url, { ...talk('m1', 'm3', 'm4', 'm5'), stream: true }, thread('running'));
    const unheard = await app.harness.run('m5');
    given.leave();
    await eventually(() => given.closed).toBe(true);
    app.harness.onRun = onRun;
    unheard.answer('nobody hears this either');
    await eventually(async () => (await threadOf('test:running'))?.turnCount).toBe(5);
    expect(outcomeOf(await post(talk('m1', 'm3', 'm4', 'm6'), thread('running')))).toBe('continued');
    expect(await branchesOf('running')).toEqual([]);
  });

  it('that was rewound while a later turn runs stops that turn', async () => {
    await say('busy', 'n1', 'n2');
    const { onRun } = app.harness;
    app.harness.onRun = () => undefined;
    const running = SseClient.post(app.url, { ...talk('n1', 'n2', 'n3'), stream: true }, thread('busy'));
    const run = await app.harness.run('n3');
    app.harness.onRun = onRun;
    const next = await post(talk('n1', 'n2b'), thread('busy'));
    expect(outcomeOf(next)).toBe('forked');
    expect(run.interrupted).toBe(true);
    await running.done();
    // It was not resumed by another process.
    expect(app.harness.runsOf('n3')).toHaveLength(1);
    expect(runOf('n2b')?.turn.dropFrom).toBe(runOf('n2')?.turn.id);
  });

  it('is forked again by the retry if the files cannot be copied', async () => {
    await say('failing', 'o1', 'o2');
    const copying = vi.spyOn(app.app.get(HarnessGateway), 'copyFiles').mockRejectedValueOnce(new Error('disk full'));
    await supertest(app.url).post('/v1/messages').set(thread('failing')).send(talk('o1', 'o2b')).expect(500);
    copying.mockRestore();
    expect(await branchesOf('failing')).toEqual([]);
    expect(outcomeOf(await post(talk('o1', 'o2b'), thread('failing')))).toBe('forked');
    expect(runOf('o2b')?.turn).toMatchObject({ dropFrom: runOf('o2')?.turn.id, turnIndex: 1 });
  });

  it('is forked once if the server dies before it has stored the turn', async () => {
    await say('dying', 't1', 't2');
    const create = vi.spyOn(app.app.get(TurnStore), 'create').mockRejectedValueOnce(new Error('the server dies'));
    await supertest(app.url).post('/v1/messages').set(thread('dying')).send(talk('t1', 't2b')).expect(500);
    create.mockRestore();
    await app.close({ keepData: true });
    const dropped = runOf('t2')?.turn.id;
    app = await start();
    expect(outcomeOf(await post(talk('t1', 't2b'), thread('dying')))).toBe('continued');
    expect(runOf('t2b')?.turn).toMatchObject({ dropFrom: dropped, turnIndex: 1 });
    expect(await branchesOf('dying')).toHaveLength(1);
  });

  it('that goes on costs one comparison: neither the turns nor the earlier messages are read', async () => {
    await say('cheap', 'u1', 'u2');
    const turns = app.app.get(TurnStore);
    const [reads, searches] = [vi.spyOn(turns, 'lastTurnSummaries'), vi.spyOn(turns, 'byRequestKey')];
    await post(talk('u1', 'u2', 'u3'), thread('cheap'));
    expect([reads.mock.calls.length, searches.mock.calls.length]).toEqual([1, 0]);
    await post(talk('u1', 'u2b'), thread('cheap'));
    expect([reads.mock.calls.length, searches.mock.calls.length]).not.toEqual([2, 0]);
    vi.restoreAllMocks();
  });

  it('has its dropped turns removed from the record also by the turn after one that failed', async () => {
    await say('failed', 'p1', 'p2');
    const { onRun } = app.harness;
    app.harness.onRun = (run) => run.fail('overloaded');
    const dropped = runOf('p2')?.turn.id;
    await supertest(app.url).post('/v1/messages').set(thread('failed')).send(talk('p1', 'p2b')).expect(529);
    app.harness.onRun = onRun;
    expect(outcomeOf(await post(talk('p1', 'p2b'), thread('failed')))).toBe('continued');
    expect(runOf('p2b')?.turn).toMatchObject({ dropFrom: dropped });
    await post(talk('p1', 'p2b', 'p3'), thread('failed'));
    expect(runOf('p3')?.turn.dropFrom).toBeUndefined();
  });

  it('of Claude Code that begins anew in the same session forks the thread at its start', async () => {
    const session = { ...CLAUDE_CODE, 'x-claude-code-session-id': `s-${kind}` };
    await post(ask('q1', TOOLS), session);
    const next = await post(ask('q1 edited', TOOLS), session);
    expect([outcomeOf(next), keyOf(next)]).toEqual(['forked', `api:claude:s-${kind}`]);
    expect(runOf('q1 edited')?.turn).toMatchObject({ turnIndex: 0, dropFrom: runOf('q1')?.turn.id });
  });

  it('reaches the same thread after a restart, and so do those of its branch', async () => {
    await say('restarted', 'r1', 'r2');
    await post(talk('r1', 'r2b'), thread('restarted'));
    const [branch] = await branchesOf('restarted');
    await app.close({ keepData: true });
    app = await start();
    expect(outcomeOf(await post(talk('r1', 'r2b', 'r3'), thread('restarted')))).toBe('continued');
    expect(runOf('r3')?.turn.turnIndex).toBe(2);
    expect(keyOf(await post(talk('r1', 'r2', 'r4'), thread('restarted')))).toBe(branch);
  });

  it('is shown by the demo agent, which has no record of its own', async () => {
    const demo = { model: 'demo' };
    const texts = (response: Response) => JSON.stringify((response.body as { content: unknown }).content);
    const seeded = await post(converse(['I am Ada', 'Hello Ada', '/seed'], demo), thread('demo'));
    expect(texts(seeded)).toContain('<user>\\nI am Ada\\n</user>\\n<assistant>\\nHello Ada');
    const [body] = (seeded.body as { content: readonly { readonly text: string }[] }).content;
    const next = await post(
      converse(['I am Ada', 'Hello Ada', '/seed', body?.text ?? '', 'and?'], demo),
      thread('demo'),
    );
    expect(texts(next)).toContain('This is turn 2 of this thread.');
    const rewound = await post(converse(['I am Ada', 'Hello Ada', 'again'], demo), thread('demo'));
    expect(outcomeOf(rewound)).toBe('forked');
    expect(texts(rewound)).toContain('This is turn 1 of this thread.');
  });
});

it('a stateless caller that resends everything reaches one warm process from its second turn on', async () => {
  const app = await startTestApp();
  try {
    app.harness.onRun = (run) => run.answer('fine');
    const texts = ['elsewhere', 'an answer from elsewhere'];
    const outcomes: unknown[] = [];
    for (const prompt of ['s1', 's2', 's3', 's4']) {
      const response = await supertest(app.url)
        .post('/v1/messages')
        .send(converse([...texts, prompt]))
        .expect(200);
      outcomes.push(response.headers['x-chiron-history']);
      texts.push(prompt, 'fine');
    }
    expect(outcomes).toEqual(['seeded', 'continued', 'continued', 'continued']);
    expect(app.harness.opened).toHaveLength(1);
  } finally {
    await app.close();
  }
});

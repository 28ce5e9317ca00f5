// A little over 250 lines: every way in which a session goes on.
import { describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { McpServer } from '../../domain/mcp-server.js';
import { answering, but, call, result, runTurn, setup, text, TURN, userText } from './__fixtures__/session-setup.js';
import { toStory } from './__fixtures__/story.js';

const ANSWERED = ['hello', 'end: end_turn'];
const LOADS = { loadSession: true };
const recall = () =>
  Promise.resolve([
    { role: 'user', content: [{ type: 'text', text: 'I am Ada' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'Hello Ada' }] },
  ] as const);
/** The texts of a prompt. */
const texts = (prompt: readonly object[] | undefined): string =>
  (prompt ?? []).map((block) => ('text' in block ? String(block.text) : '')).join('\n');
const goOn = /^Your process was ended in the middle of your work/;

describe('A session that was stopped', () => {
  it('is resumed, with its mode and model', async () => {
    const { sandbox, open, folders } = setup(answering(), {}, { model: 'model-2' });
    const events = await runTurn(open({ sessionId: 's1' }), { turnIndex: 1 });
    expect(toStory(events)).toEqual(ANSWERED);
    expect(sandbox.methods).toEqual([
      'initialize',
      'session/resume',
      'session/set_mode',
      'session/set_config_option',
      'session/prompt',
    ]);
    expect(sandbox.sent('session/resume')).toEqual([{ sessionId: 's1', cwd: folders.workspace, mcpServers: [] }]);
    expect(texts(sandbox.prompts[0])).toBe('hi there');
  });

  it('is loaded by an agent that cannot resume, and what it tells of the past is dropped', async () => {
    const { sandbox, open } = setup(
      but(
        ({ method }, agent) => {
          if (method !== 'session/load') return undefined;
          agent.update(userText('earlier'), text('an old answer'));
          setTimeout(() => agent.update(text('more of it')), 5);
          return undefined;
        },
        answering('hello', LOADS),
      ),
    );
    expect(toStory(await runTurn(open({ sessionId: 's1' })))).toEqual(ANSWERED);
    expect(sandbox.methods).toContain('session/load');
  });

  it.each([
    [
      'unknown to the agent',
      but(({ method }) => (method === 'session/resume' ? { error: { code: -32002, message: 'no' } } : undefined)),
    ],
    ['of an agent that takes none up', answering('hello', {})],
  ])('and is %s is followed by a new one that is told of the conversation', async (_, behaviour) => {
    const { sandbox, open } = setup(behaviour);
    const events = await runTurn(open({ sessionId: 's0' }), { recall, turnIndex: 1 });
    expect(events[0]).toEqual({ type: 'session-started', sessionId: 's1' });
    expect(toStory(events)).toEqual(ANSWERED);
    expect(texts(sandbox.prompts[0])).toMatch(
      /<user>\nI am Ada\n<\/user>\n<assistant>\nHello Ada\n[^]*Now the user says:\nhi there$/,
    );
  });

  it('whose agent dies at once fails the turn as that', async () => {
    const { open } = setup(
      but(({ method }, agent) => {
        if (method === 'session/resume') agent.die();
        return undefined;
      }),
    );
    expect(toStory(await runTurn(open({ sessionId: 's1' }), { recall }))).toEqual([
      'process_died: The process of the agent is gone.',
    ]);
  });

  it('is remembered by the harness', async () => {
    const { harness, open, files } = setup(answering());
    expect(await harness.hasRecord(files, 's1')).toBe(false);
    await runTurn(open());
    expect(await harness.hasRecord(files, 's1')).toBe(true);
    expect(await harness.hasRecord(files, '../s1')).toBe(false);
  });
});

describe('A turn whose agent died', () => {
  const replaying = (...replay: readonly ReturnType<typeof text>[]) =>
    but(({ method }, agent) => {
      if (method === 'session/load') agent.update(...replay);
      return undefined;
    });
  const priorEvents: readonly HarnessEvent[] = [
    { type: 'session-started', sessionId: 's1' },
    { type: 'tool-call', id: 'c1', name: 'bash', server: 'agent', input: { command: 'ls' } },
  ];

  it('is loaded, tells what the log lacks, and is asked to go on', async () => {
    const { sandbox, open } = setup(replaying(userText('hi there'), call('c1'), result('c1')));
    const events = await runTurn(open({ sessionId: 's1' }), { attempt: 2, priorEvents });
    expect(toStory(events)).toEqual(['agent bash {"command":"ls"}', 'result: a file', ...ANSWERED]);
    expect(texts(sandbox.prompts[0])).toMatch(goOn);
    expect(sandbox.prompts).toHaveLength(1);
  });

  it('has its prompt sent again if the record lacks it and nothing was done', async () => {
    const { sandbox, open } = setup(replaying(userText('earlier'), text('an answer')));
    const prior = priorEvents.slice(0, 1);
    expect(toStory(await runTurn(open({ sessionId: 's1' }), { attempt: 2, priorEvents: prior }))).toEqual(ANSWERED);
    expect(texts(sandbox.prompts[0])).toBe('hi there');
  });

  it('is told what it has done if the record lacks all of it', async () => {
    const { sandbox, open } = setup(replaying());
    await runTurn(open({ sessionId: 's1' }), { attempt: 2, priorEvents });
    expect(texts(sandbox.prompts[0])).toMatch(/<tool_call name="bash">[^]*Do not repeat what has had its effect/);
  });

  it('ends without a prompt if the record has its answer, and the next turn is a new prompt', async () => {
    const { sandbox, open } = setup(replaying(userText('hi there'), call('c1'), result('c1'), text('All done.')));
    const session = open({ sessionId: 's1' });
    const events = await runTurn(session, { attempt: 2, priorEvents });
    expect(toStory(events).slice(-2)).toEqual(['All done.', 'end: end_turn']);
    expect(sandbox.prompts).toEqual([]);
    expect(toStory(await runTurn(session, { id: 'turn-2' }))).toEqual(ANSWERED);
  });

  it('and whose session is lost is told of it all in a new one', async () => {
    const { sandbox, open } = setup(
      but(({ method }) => (method === 'session/load' ? { error: { code: -32603, message: 'no' } } : undefined)),
    );
    await runTurn(open({ sessionId: 's0' }), { attempt: 2, priorEvents, recall });
    expect(texts(sandbox.prompts[0])).toMatch(/I am Ada[^]*hi there[^]*<tool_call name="bash">[^]*Do not repeat/);
  });

  it('is not loaded by gemini in the minute in which its session was opened', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-28T12:00:10Z') });
    try {
      const { sandbox, open } = setup(answering('hello', LOADS), { dialect: 'gemini' });
      await runTurn(open());
      await runTurn(open({ sessionId: 's1' }), { attempt: 2, priorEvents });
      expect(sandbox.methods).not.toContain('session/load');
      vi.setSystemTime(Date.parse('2026-11-28T12:01:10Z'));
      await runTurn(open({ sessionId: 's1' }), { attempt: 2, priorEvents });
      expect(sandbox.methods).toContain('session/load');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('A turn that changes the conversation', () => {
  it('begins anew where earlier turns are dropped, with what is left', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    await runTurn(session);
    const events = await runTurn(session, { id: 'turn-2', dropFrom: 'turn-1', recall });
    expect(events[0]).toEqual({ type: 'session-started', sessionId: 's2' });
    expect(texts(sandbox.prompts[1])).toMatch(/I am Ada[^]*hi there$/);
    expect(sandbox.methods).not.toContain('session/resume');
  });

  it('does so once: its next attempt goes on from there', async () => {
    const { sandbox, open } = setup(answering());
    const priorEvents = [{ type: 'session-started', sessionId: 's1' }] as const;
    await runTurn(open({ sessionId: 's1' }), { attempt: 2, dropFrom: 'turn-0', priorEvents });
    expect(sandbox.methods).toContain('session/load');
  });

  it('tells the agent what its record lacks', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    await runTurn(session);
    await runTurn(session, { seed: await recall() });
    expect(texts(sandbox.prompts[1])).toMatch(/I am Ada[^]*Now the user says:\nhi there$/);
    expect(sandbox.agents).toHaveLength(1);
  });
});

describe('MCP servers of a turn', () => {
  const server: McpServer = {
    name: 'docs',
    url: 'https://example.org/mcp',
    headers: { authorization: 'Bearer x' },
    allowedTools: undefined,
  };

  it('are given with the session, which other servers take up in a new process', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    await runTurn(session, { mcpServers: [server] });
    await runTurn(session, { mcpServers: [server] });
    expect(sandbox.agents).toHaveLength(1);
    await runTurn(session, { id: 'turn-3' });
    expect(sandbox.agents).toHaveLength(2);
    expect(sandbox.sent('session/new')[0]?.['mcpServers']).toEqual([
      {
        type: 'http',
        name: 'docs',
        url: 'https://example.org/mcp',
        headers: [{ name: 'authorization', value: 'Bearer x' }],
      },
    ]);
    expect(sandbox.sent('session/resume')[0]).toMatchObject({ sessionId: 's1', mcpServers: [] });
  });

  it.each([
    ['an agent that takes none', answering('hello', LOADS), server, 'The agent of this model takes no MCP servers.'],
    [
      'of which some tools only may be used',
      answering(),
      { ...server, allowedTools: ['a'] },
      'The agent of this model cannot be limited to some tools of an MCP server.',
    ],
  ])('are refused: %s', async (_, behaviour, one, message) => {
    const { sandbox, open } = setup(behaviour);
    expect(toStory(await runTurn(open(), { mcpServers: [one] }))).toEqual([`bad_request: ${message}`]);
    expect(sandbox.prompts).toEqual([]);
  });
});

describe('A process that was started early', () => {
  it('runs the first turn', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    expect(await session.startEarly?.()).toBeDefined();
    expect(sandbox.methods).toEqual(['initialize']);
    expect(toStory(await runTurn(session))).toEqual(ANSWERED);
    expect(sandbox.agents).toHaveLength(1);
  });

  it('before its thread was known has the variables of the thread in its commands', async () => {
    const { sandbox, open, files, folders } = setup(answering(), {}, { env: { LANG: 'C' }, isSpare: true });
    const session = open();
    await session.startEarly?.();
    const thread = {
      id: 'thread',
      folders,
      files,
      systemPrompt: undefined,
      sessionId: undefined,
      tools: 'all',
    } as const;
    session.adopt?.({ ...thread, model: 'model-2', env: { LANG: 'C', CENTAUR_THREAD_KEY: "Ada's" } });
    expect(toStory(await runTurn(session))).toEqual(ANSWERED);
    expect(sandbox.agents).toHaveLength(1);
    expect(sandbox.agent.command.env['BASH_ENV']).toBe(`${folders.home}/.chiron/environment.sh`);
    expect(await files.readText('home/.chiron/environment.sh', 1_000)).toBe("export CENTAUR_THREAD_KEY='Ada'\\''s'\n");
    expect(sandbox.methods).toContain('session/set_config_option');
  });

  it('without the model of its thread, which is a variable, is replaced by another', async () => {
    const modelChoice = { by: 'variable', variable: 'AGENT_MODEL' } as const;
    const { sandbox, open, files, folders } = setup(answering(), { modelChoice }, { env: {}, isSpare: true });
    const session = open();
    await session.startEarly?.();
    const thread = {
      id: 'thread',
      folders,
      files,
      systemPrompt: undefined,
      sessionId: undefined,
      tools: 'all',
    } as const;
    session.adopt?.({ ...thread, model: 'model-2', env: {} });
    expect(toStory(await runTurn(session))).toEqual(ANSWERED);
    expect(sandbox.agents.map(({ command }) => command.env['AGENT_MODEL'])).toEqual([undefined, 'model-2']);
  });

  it('and is gone is replaced by another', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    const early = await session.startEarly?.();
    sandbox.agent.die();
    await early?.gone;
    expect(session.alive).toBe(true);
    expect(toStory(await runTurn(session, { ...TURN }))).toEqual(ANSWERED);
    expect(sandbox.agents).toHaveLength(2);
  });
});

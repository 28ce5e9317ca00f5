// A little over 250 lines: everything that a session does with an agent.
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { HarnessSession } from '../harness.js';
import type { Behaviour } from './__fixtures__/fake-agent.js';
import { toStory } from './__fixtures__/story.js';
import { answering, but, NO_ANSWER, result, runTurn, setup, text } from './__fixtures__/session-setup.js';

/** An agent that does not answer its prompt by itself. */
const waiting = (): Behaviour =>
  but(({ method }, agent) => {
    if (method !== 'session/prompt') return undefined;
    agent.update(text('working'));
    return NO_ANSWER;
  });

const interruptAtText =
  (session: HarnessSession) =>
  (events: readonly HarnessEvent[]): void => {
    if (events.some(({ type }) => type === 'text-delta')) session.interrupt();
  };

describe('A turn of an agent', () => {
  it('starts the program, opens a session and tells what the agent says', async () => {
    const { sandbox, open, folders } = setup(answering());
    const events = await runTurn(open());
    expect(events[0]).toEqual({ type: 'session-started', sessionId: 's1' });
    expect(toStory(events)).toEqual(['hello', 'end: end_turn']);
    expect(sandbox.methods).toEqual(['initialize', 'session/new', 'session/set_mode', 'session/prompt']);
    expect(sandbox.agent.command).toEqual({
      threadId: 'thread',
      command: 'agent',
      args: ['acp'],
      env: { CENTAUR_THREAD_KEY: 'key' },
    });
    expect(sandbox.sent('session/new')).toEqual([{ cwd: folders.workspace, mcpServers: [] }]);
    expect(sandbox.sent('session/prompt')).toEqual([{ sessionId: 's1', prompt: [{ type: 'text', text: 'hi there' }] }]);
  });

  it('goes on in the same session and process', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    await runTurn(session);
    const events = await runTurn(session);
    expect(events[0]?.type).not.toBe('session-started');
    expect(toStory(events)).toEqual(['hello', 'end: end_turn']);
    expect(sandbox.agents).toHaveLength(1);
    expect(sandbox.sent('session/prompt')).toHaveLength(2);
  });

  it('ignores what is told before its prompt, after its end and of other sessions', async () => {
    const { sandbox, open } = setup(
      but(({ method }, agent) => {
        if (method === 'session/set_mode') agent.update(text('[MODE_UPDATE] yolo'));
        if (method === 'session/prompt') agent.update({ ...text('of a sub-agent'), of: 's9' });
        return undefined;
      }),
    );
    const session = open();
    expect(toStory(await runTurn(session))).toEqual(['hello', 'end: end_turn']);
    sandbox.agent.update(text('late'));
    expect(toStory(await runTurn(session))).toEqual(['hello', 'end: end_turn']);
  });

  it('has what comes right behind the answer to its prompt', async () => {
    const { open } = setup(
      but(({ method }, agent) => {
        if (method === 'session/prompt') setTimeout(() => agent.update(text(' and the rest')), 5);
        return undefined;
      }),
    );
    expect(toStory(await runTurn(open()))).toEqual(['hello and the rest', 'end: end_turn']);
  });

  it('skips lines that are no JSON, and refuses requests that it does not know at once', async () => {
    const { sandbox, open } = setup(
      but(({ method }, agent) => {
        if (method !== 'session/prompt') return undefined;
        agent.lines.next(['Database migrated.', '[]']);
        agent.send({ id: 7, method: 'fs/read_text_file', params: {} });
        return undefined;
      }),
    );
    expect(toStory(await runTurn(open()))).toEqual(['hello', 'end: end_turn']);
    expect(sandbox.agent.answers.has(7)).toBe(true);
  });

  it('sets the model that was asked for, and not found is a failure', async () => {
    const { sandbox, open } = setup(answering(), {}, { model: 'model-2' });
    expect(toStory(await runTurn(open()))).toEqual(['hello', 'end: end_turn']);
    expect(sandbox.sent('session/set_config_option')).toEqual([
      { sessionId: 's1', configId: 'model', value: 'model-2' },
    ]);
    sandbox.behaviour = but(({ method }) =>
      method === 'session/set_config_option' ? { error: { code: -32602, message: 'no' } } : undefined,
    );
    expect(toStory(await runTurn(open()))).toEqual(['not_found: The agent does not have the model model-2.']);
  });

  it('gets a model by a variable, where that is the way', async () => {
    const modelChoice = { by: 'variable', variable: 'AGENT_MODEL' } as const;
    const { sandbox, open } = setup(answering(), { modelChoice }, { model: 'model-2' });
    await runTurn(open());
    expect(sandbox.agent.command.env).toMatchObject({ AGENT_MODEL: 'model-2' });
    expect(sandbox.methods).not.toContain('session/set_config_option');
  });

  it('runs without the mode in which nothing is asked', async () => {
    const { open } = setup(
      but(({ method }) => (method === 'session/set_mode' ? { error: { code: -32602, message: 'no' } } : undefined)),
    );
    expect(toStory(await runTurn(open()))).toEqual(['hello', 'end: end_turn']);
  });

  it('sends images, or files where the agent takes none', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } } as const;
    const seeing = setup(answering());
    await runTurn(seeing.open(), { prompt: [image] });
    expect(seeing.sandbox.prompts[0]).toEqual([{ type: 'image', mimeType: 'image/png', data: 'aGk=' }]);
    const blind = setup(answering('hello', { loadSession: true }));
    await runTurn(blind.open(), { prompt: [image] });
    const block = blind.sandbox.prompts[0]?.[0];
    const path = /^An image is in the file (.*\.png)$/.exec(block?.['text'] as string)?.[1] ?? '';
    expect(await blind.files.readText(path.slice(blind.folder.length + 1), 100)).toBe('hi');
  });

  it('asks for JSON by its prompt, and takes the fence off the answer', async () => {
    const { sandbox, open } = setup(answering('```json\n{"a":1}\n```'));
    const events = await runTurn(open(), { outputSchema: { type: 'object' } });
    expect(toStory(events)).toEqual(['{"a":1}', 'end: end_turn']);
    const asked = sandbox.prompts[0]?.[1];
    expect(asked?.['text']).toMatch(/conform to this JSON Schema:\n\n\{"type":"object"\}$/);
  });
});

describe('A request for permission', () => {
  const options = [
    { optionId: 'no', kind: 'reject_once' },
    { optionId: 'switch', kind: 'allow_once' },
    { optionId: 'always', kind: 'allow_always' },
  ];
  const asking = but(({ method }, agent) => {
    if (method !== 'session/prompt') return undefined;
    const toolCall = { toolCallId: 'c1', title: 'bash', rawInput: { command: 'ls' }, status: 'pending' };
    agent.send({ id: 3, method: 'session/request_permission', params: { sessionId: 's1', options, toolCall } });
    agent.update(result('c1'));
    return undefined;
  });

  it('is granted at once, and tells of the call', async () => {
    const { sandbox, open } = setup(asking);
    expect(toStory(await runTurn(open()))).toEqual([
      'agent bash {"command":"ls"}',
      'result: a file',
      'hello',
      'end: end_turn',
    ]);
    expect(sandbox.agent.answers.get(3)).toEqual({ outcome: { outcome: 'selected', optionId: 'always' } });
  });

  it('is refused after a cancel', async () => {
    const { sandbox, open } = setup(
      but(({ method }, agent) => {
        if (method !== 'session/cancel') return undefined;
        agent.send({ id: 4, method: 'session/request_permission', params: { sessionId: 's1', options, toolCall: {} } });
        agent.endPrompt({ stopReason: 'cancelled' });
        return NO_ANSWER;
      }, waiting()),
    );
    const session = open();
    await runTurn(session, {}, interruptAtText(session));
    expect(sandbox.agent.answers.get(4)).toEqual({ outcome: { outcome: 'cancelled' } });
  });
});

describe('An interrupt', () => {
  const cancelled = (): Behaviour =>
    but(({ method }, agent) => {
      if (method !== 'session/cancel') return undefined;
      agent.endPrompt({ stopReason: 'cancelled' });
      return NO_ANSWER;
    }, waiting());

  it('cancels the prompt, and the session goes on with the next one', async () => {
    const { sandbox, open } = setup(cancelled());
    const session = open();
    const events = await runTurn(session, {}, interruptAtText(session));
    expect(toStory(events)).toEqual(['working', 'end: interrupted']);
    expect(sandbox.sent('session/cancel')).toEqual([{ sessionId: 's1' }]);
    expect(session.alive).toBe(true);
  });

  it('kills an agent that leaves commands behind, before the turn ends', async () => {
    const { sandbox, open } = setup(cancelled(), { dialect: 'codex' });
    const session = open();
    const events = await runTurn(session, {}, (some) => {
      interruptAtText(session)(some);
      if (some.some(({ type }) => type === 'turn-end')) expect(sandbox.agent.stops).toEqual([0]);
    });
    expect(toStory(events).at(-1)).toBe('end: interrupted');
    expect(session.alive).toBe(false);
  });

  it('ends a turn that has no prompt yet at once, and nothing is sent', async () => {
    const { sandbox, open } = setup(answering());
    const session = open();
    const running = runTurn(session);
    session.interrupt();
    expect(toStory(await running)).toEqual(['end: interrupted']);
    expect(toStory(await runTurn(session, { prompt: [{ type: 'text', text: 'next' }] }))).toEqual([
      'hello',
      'end: end_turn',
    ]);
    expect(sandbox.sent('session/prompt')).toHaveLength(1);
  });
});

describe('An agent', () => {
  it('that dies in the middle of a turn fails it as that, and gets no other', async () => {
    const { sandbox, open } = setup(waiting());
    const session = open();
    const events = await runTurn(session, {}, (some) => {
      if (some.some(({ type }) => type === 'text-delta')) sandbox.agent.die();
    });
    expect(toStory(events).at(-1)).toBe('process_died: The process of the agent is gone.');
    expect(session.alive).toBe(false);
  });

  it('that is stopped in the middle of a turn has not ended it, whatever it says', async () => {
    const { sandbox, open } = setup(waiting());
    const session = open();
    const events = await runTurn(session, {}, (some) => {
      if (!some.some(({ type }) => type === 'text-delta')) return;
      sandbox.agent.onStop = () => {
        sandbox.agent.update(result('c1'));
        sandbox.agent.endPrompt({ stopReason: 'cancelled' });
      };
      void session.close();
    });
    expect(toStory(events)).toEqual(['process_died: The process of the agent is gone.']);
    expect(sandbox.agent.stops).toEqual([0]);
  });

  it('that is not there fails the turn', async () => {
    const { sandbox, open } = setup(answering());
    sandbox.notStarted = { reason: 'program-missing', code: 'ENOENT' };
    expect(toStory(await runTurn(open()))).toEqual(['not_started: The agent program is not installed on this server.']);
  });

  it('that speaks another version of the protocol fails the turn', async () => {
    const { sandbox, open } = setup(
      but(({ method }) => (method === 'initialize' ? { result: { protocolVersion: 2 } } : undefined)),
    );
    const session = open();
    expect(toStory(await runTurn(session))).toEqual([
      'not_started: The agent on this server speaks another version of the Agent Client Protocol.',
    ]);
    expect(sandbox.agent.stops).toEqual([0]);
    expect(session.alive).toBe(false);
  });

  it('that refuses a prompt fails the turn as it says', async () => {
    const { open } = setup(
      but(({ method }) => (method === 'session/prompt' ? { error: { code: 429, message: 'slow down' } } : undefined)),
    );
    expect(toStory(await runTurn(open()))).toEqual(['rate_limit: slow down']);
  });
});

describe('Instructions', () => {
  it('of the caller are in the file that the agent reads, behind those of the deployment', async () => {
    const { sandbox, open, files } = setup(answering(), {}, { systemPrompt: 'Be brief.' });
    sandbox.templates = { 'home/.agent/AGENTS.md': 'Be kind.' };
    await runTurn(open());
    expect(await files.readText('home/.agent/AGENTS.md', 1_000)).toBe('Be kind.\n\nBe brief.\n');
    expect(sandbox.sent('session/new')[0]).not.toHaveProperty('systemPrompt');
  });

  it('have the AGENTS.md of the workspace for an agent that does not read it', async () => {
    const { open, files } = setup(answering(), { dialect: 'gemini' });
    await files.write('workspace/AGENTS.md', 'Use tabs.');
    await runTurn(open());
    expect(await files.readText('home/.agent/AGENTS.md', 1_000)).toBe('Use tabs.\n');
  });

  it('come with the session where the agent takes them so', async () => {
    const capabilities = { loadSession: true, sessionCapabilities: { systemPrompt: {} } };
    const { sandbox, open } = setup(answering('hello', capabilities), {}, { systemPrompt: 'Be brief.' });
    await runTurn(open());
    expect(sandbox.sent('session/new')[0]?.['systemPrompt']).toEqual({
      mode: 'append',
      content: [{ type: 'text', text: 'Be brief.' }],
    });
  });

  it('begin the first prompt for an agent without a file of them', async () => {
    const { sandbox, open } = setup(answering(), { instructionsFile: undefined }, { systemPrompt: 'Be brief.' });
    const session = open();
    await runTurn(session);
    await runTurn(session);
    const [first, second] = sandbox.prompts;
    expect(first).toEqual([
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'hi there' },
    ]);
    expect(second).toHaveLength(1);
  });
});

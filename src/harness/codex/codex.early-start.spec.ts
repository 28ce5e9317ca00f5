import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { type AppServerBehaviour, ended, fakeCodex, said, started, tell } from './__fixtures__/fake-app-server.js';

Logger.overrideLogger(false);

const { thread, open } = fakeCodex();

describe('A session of Codex whose process was started at a sign of its caller', () => {
  let loaded: readonly string[] = [];
  let onAsked: () => void = () => undefined;
  const turns: AppServerBehaviour = (method) => {
    switch (method) {
      case 'turn/start':
        return [{ result: {} }, started('u'), said('PONG'), ended('u')];
      case 'thread/loaded/list':
        onAsked();
        return [{ result: { data: loaded } }];
      case 'thread/unsubscribe':
        return [{ result: {} }, tell('thread/closed', {})];
      default:
        return undefined;
    }
  };
  const mcpServers = [{ name: 'docs', url: 'http://127.0.0.1:1', headers: {}, allowedTools: undefined }];

  async function openEarly() {
    loaded = ['T'];
    onAsked = () => undefined;
    const opened = open(turns, { sessionId: 'T' });
    await opened.session.startEarly?.();
    expect(opened.sent('thread/resume')).toHaveLength(1);
    return opened;
  }

  it('has resumed its conversation before the turn', async () => {
    const { sandbox, run, sent } = await openEarly();
    expect(await run()).toEqual([
      { type: 'session-started', sessionId: 'T' },
      { type: 'text-delta', id: 'm-PONG', text: 'PONG' },
      { type: 'block-end', id: 'm-PONG' },
      { type: 'turn-end', reason: 'end_turn' },
    ]);
    expect(sent('thread/resume')).toHaveLength(1);
    expect(sandbox.commands).toHaveLength(1);
  });

  it('resumes it again, in the same process, for a turn with MCP servers', async () => {
    const { sandbox, run, sent } = await openEarly();
    const events = run({ mcpServers });
    await vi.waitFor(() => expect(sent('thread/resume')).toHaveLength(2));
    sandbox.tell(tell('mcpServer/startupStatus/updated', { name: 'docs', status: 'ready' }));
    expect((await events).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(sent('thread/unsubscribe')).toEqual([{ threadId: 'T' }]);
    expect(sandbox.commands).toHaveLength(1);
  });

  it('resumes it again if Codex has closed it meanwhile', async () => {
    const { run, sent } = await openEarly();
    loaded = [];
    expect((await run()).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(sent('thread/resume')).toHaveLength(2);
  });

  it('takes another process, unseen by the caller, if that one ends as the turn begins', async () => {
    const { sandbox, run, sent } = await openEarly();
    onAsked = () => sandbox.die();
    expect((await run()).map(({ type }) => type)).not.toContain('turn-failed');
    expect(sandbox.commands).toHaveLength(2);
    expect(sent('thread/resume')).toHaveLength(2);
  });

  it('leaves a conversation with tools of the caller to the turn', async () => {
    const { session, sent } = open(turns, { sessionId: 'T' });
    const notes = { conversation: 'T', toolsKey: 'some', hasChanged: false, marks: [] };
    await thread.files.write('server/codex.json', JSON.stringify(notes));
    await session.startEarly?.();
    await thread.files.remove('server/codex.json');
    expect(sent('thread/resume')).toEqual([]);
  });
});

describe('A session of Codex whose process was started for a spare thread', () => {
  const mcp = { docs: { command: 'docs-server' } };
  const answering =
    (refused?: string): AppServerBehaviour =>
    (method) => {
      if (method === refused) return [{ error: { code: -32600, message: 'no' } }];
      if (method === 'config/read') return [{ result: { config: { mcp_servers: mcp } } }];
      return method === 'turn/start' ? [{ result: {} }, started('u'), said('PONG'), ended('u')] : undefined;
    };
  const openSpare = (refused?: string) => open(answering(refused), { isSpare: true });

  it('has rehearsed a conversation, without any program or model, and deleted it', async () => {
    const { session, sandbox, sent } = openSpare();
    expect(await session.startEarly?.()).toBeDefined();
    expect(sent('thread/start')).toEqual([
      expect.objectContaining({
        environments: [],
        config: expect.objectContaining({ mcp_servers: { docs: { enabled: false } }, model_provider: 'nowhere' }),
      }),
    ]);
    const methods = sandbox.requests.map(({ method }) => method);
    expect(methods.slice(-3)).toEqual(['thread/start', 'thread/inject_items', 'thread/delete']);
    expect(sent('thread/delete')).toEqual([{ threadId: 'T' }]);
  });

  it('begins the conversation of its thread in the same process, with nothing of the rehearsal', async () => {
    const { session, sandbox, run, sent } = openSpare();
    await session.startEarly?.();
    expect((await run()).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(sandbox.commands).toHaveLength(1);
    expect(sent('thread/start')[1]).toEqual({
      cwd: thread.folders.workspace,
      approvalPolicy: 'never',
      sandbox: 'danger-full-access',
      model: 'gpt-6',
    });
  });

  it.each(['thread/inject_items', 'thread/delete'])(
    'is no spare if Codex refuses its %s, and takes another process for a turn',
    async (refused) => {
      const { session, sandbox, run } = openSpare(refused);
      expect(await session.startEarly?.()).toBeUndefined();
      expect((await run()).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
      expect(sandbox.commands).toHaveLength(2);
    },
  );

  it('is a spare without a rehearsal if Codex refuses to open one', async () => {
    const { session, sandbox } = openSpare('thread/start');
    expect(await session.startEarly?.()).toBeDefined();
    expect(sandbox.requests.map(({ method }) => method).at(-1)).toBe('thread/start');
  });
});

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

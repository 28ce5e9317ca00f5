import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { ended, fakeCodex, said, started, tell, TURN } from './__fixtures__/fake-app-server.js';

Logger.overrideLogger(false);

const { folder, thread, open } = fakeCodex();

describe('CodexSession', () => {
  it('runs turns in one process and one conversation, whose id it emits once', async () => {
    const { sandbox, run, sent } = open((method) =>
      method === 'turn/start' ? [{ result: {} }, started('u'), said('PONG'), ended('u')] : undefined,
    );
    expect(await run()).toEqual([
      { type: 'session-started', sessionId: 'T' },
      { type: 'text-delta', id: 'm-PONG', text: 'PONG' },
      { type: 'block-end', id: 'm-PONG' },
      { type: 'turn-end', reason: 'end_turn' },
    ]);
    expect((await run({ id: 'turn-2' })).map(({ type }) => type)).toEqual(['text-delta', 'block-end', 'turn-end']);
    expect(sandbox.commands).toMatchObject([{ command: 'codex', env: { CODEX_HOME: `${folder}/home/.codex` } }]);
    expect(sent('turn/start').map((params) => params['clientUserMessageId'])).toEqual(['turn-1', 'turn-2']);
  });

  it('starts another process, which reads no settings of the workspace, once those are not the deployment’s', async () => {
    const { sandbox, run, sent } = open((method) =>
      method === 'turn/start' ? [{ result: {} }, started('u'), said('PONG'), ended('u')] : undefined,
    );
    await run();
    await thread.files.write('workspace/.codex/config.toml', 'planted = 1');
    await run({ id: 'turn-2' });
    await run({ id: 'turn-3' });
    await thread.files.remove('workspace/.codex');
    const trust = sandbox.commands.map(({ args }) => /trust_level="(\w+)"/.exec(args.join(' '))?.[1]);
    expect(trust).toEqual(['trusted', 'untrusted']);
    expect(sent('thread/resume')).toHaveLength(1);
  });

  it('interrupts a turn that has not started as soon as it has', async () => {
    const { sandbox, session, run, sent } = open((method) =>
      method === 'turn/interrupt' ? [{ result: {} }, ended('u', 'interrupted')] : undefined,
    );
    const events = run();
    session.interrupt();
    await vi.waitFor(() => expect(sent('turn/start')).toHaveLength(1));
    expect(sent('turn/interrupt')).toEqual([]);
    sandbox.tell(started('u'));
    expect((await events).at(-1)).toEqual({ type: 'turn-end', reason: 'interrupted' });
    expect(sent('turn/interrupt')).toEqual([{ threadId: 'T', turnId: 'u' }]);
  });

  it.each([
    ['program-missing', 'ENOENT', 'not_started', 'is not installed'],
    ['program-not-runnable', 'EACCES', 'not_started', 'not executable'],
    ['arguments-too-long', 'E2BIG', 'not_started', 'exceed the system limit'],
    ['out-of-resources', 'ENOMEM', 'overloaded', 'out of memory'],
  ] as const)('reports why it did not start: %s %s', async (reason, code, kind, words) => {
    const { sandbox, session, run } = open(() => undefined);
    sandbox.notStarted = { reason, code };
    expect(await run()).toMatchObject([{ type: 'turn-failed', kind, message: expect.stringContaining(words) }]);
    expect(session.alive).toBe(false);
  });

  it('reports a prompt that is too long for Codex, and accepts the next one', async () => {
    const tooLong = { code: -32_602, message: 'Input exceeds the maximum length of 1048576 characters.' };
    const { session, run } = open((method) => (method === 'turn/start' ? [{ error: tooLong }] : undefined));
    expect((await run()).at(-1)).toEqual({
      type: 'turn-failed',
      kind: 'context_too_long',
      message: 'prompt is too long: more than 1048576 characters',
    });
    expect(session.alive).toBe(true);
  });

  it('fails the turn when the process dies, and is then not to be trusted', async () => {
    const { sandbox, session, run, told } = open((method) =>
      method === 'turn/start' ? [{ result: {} }, started('u'), said('half')] : undefined,
    );
    const events = run();
    await vi.waitFor(() => expect(told.map(({ type }) => type)).toContain('block-end'));
    sandbox.die();
    expect((await events).at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    expect(session.alive).toBe(false);
    expect((await run()).at(-1)).toMatchObject({ type: 'turn-failed' });
  });

  it('closes the session of a turn that nobody reads any more', async () => {
    const { session, sent } = open(() => undefined);
    const subscription = session.run(TURN).subscribe();
    await vi.waitFor(() => expect(sent('turn/start')).toHaveLength(1));
    subscription.unsubscribe();
    expect(session.alive).toBe(false);
  });

  it('sends the next prompt only when Codex itself is done with the turn that failed', async () => {
    const { sandbox, run, sent } = open((method, params) => {
      if (method !== 'turn/start') return undefined;
      return params['clientUserMessageId'] === 'turn-1'
        ? [{ result: {} }, started('u'), tell('error', { turnId: 'u', willRetry: false, error: { message: 'boom' } })]
        : [{ result: {} }, started('v'), ended('v')];
    });
    expect((await run()).at(-1)).toMatchObject({ type: 'turn-failed', message: 'boom' });
    const second = run({ id: 'turn-2' });
    // Everything that could be done without Codex's word is done after this.
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent('turn/start')).toHaveLength(1);
    sandbox.tell(ended('u', 'failed'));
    expect(await second).toEqual([{ type: 'turn-end', reason: 'end_turn' }]);
  });

  it('starts a new conversation when the old one is gone', async () => {
    const { run, sent } = open(
      (method) => {
        if (method === 'thread/resume')
          return [{ error: { code: -32600, message: 'no rollout found for thread id X' } }];
        return method === 'turn/start' ? [{ result: {} }, started('u'), ended('u')] : undefined;
      },
      { sessionId: 'X' },
    );
    expect((await run())[0]).toEqual({ type: 'session-started', sessionId: 'T' });
    expect(sent('thread/start')).toHaveLength(1);
  });

  it('continues a turn that an earlier attempt left, without another user message', async () => {
    const items = [{ type: 'userMessage', clientId: 'turn-1' }];
    const { run, sent } = open(
      (method) => {
        if (method === 'thread/turns/list') return [{ result: { data: [{ status: 'interrupted', items }] } }];
        return method === 'turn/start' ? [{ result: {} }, started('u'), said('on'), ended('u')] : undefined;
      },
      { sessionId: 'T' },
    );
    expect((await run({ attempt: 2 })).at(-1)).toEqual({ type: 'turn-end', reason: 'end_turn' });
    expect(sent('turn/start')).toMatchObject([{ threadId: 'T', input: [] }]);
  });

  it('logs in with the deployment’s key only when Codex needs a login', async () => {
    for (const requiresOpenaiAuth of [true, false]) {
      const { run, sent } = open(
        (method) => {
          if (method === 'account/read') return [{ result: { account: null, requiresOpenaiAuth } }];
          return method === 'turn/start' ? [{ result: {} }, started('u'), ended('u')] : undefined;
        },
        { env: { OPENAI_API_KEY: 'sk-1' } },
      );
      await run();
      expect(sent('account/login/start')).toEqual(requiresOpenaiAuth ? [{ type: 'apiKey', apiKey: 'sk-1' }] : []);
    }
  });
});

// A little over 250 lines: a fake app server, and everything that a session does with one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { EMPTY, lastValueFrom, Subject, tap, toArray } from 'rxjs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Sandbox, SandboxCommand, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { SpawnFailure } from '../../sandbox/process/spawn-failure.js';
import { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { HarnessThread, HarnessTurn } from '../harness.js';
import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import { CodexHarness } from './codex.harness.js';
import { asObject, parseObject, asString } from '../../domain/json.js';

Logger.overrideLogger(false);

const FOLDER = mkdtempSync(join(tmpdir(), 'chiron-codex-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const THREAD: HarnessThread = {
  id: 'thread',
  folders: { workspace: `${FOLDER}/workspace`, home: `${FOLDER}/home`, server: `${FOLDER}/server` },
  files: new ThreadFiles(FOLDER),
  model: 'gpt-6',
  systemPrompt: undefined,
  tools: 'all',
  sessionId: undefined,
  env: {},
};
const TURN: HarnessTurn = { id: 'turn-1', prompt: [{ type: 'text', text: 'hi' }], attempt: 1, turnIndex: 0 };

/** Answers a request with what is told after it; `undefined` for a request that stays unanswered. */
type Behaviour = (method: string, params: JsonObject) => readonly object[] | undefined;

/** A sandbox in which a made-up app-server runs; each process is one that `spawn` was called for. */
class FakeSandbox implements Sandbox {
  readonly commands: SandboxCommand[] = [];
  readonly requests: { readonly method: string; readonly params: JsonObject }[] = [];
  readonly #lines: Subject<readonly string[]>[] = [];
  /** Why its processes do not start, if they do not. */
  notStarted: SpawnFailure | undefined;

  constructor(private readonly behaviour: Behaviour) {}

  spawn(command: SandboxCommand): SandboxProcess {
    this.commands.push(command);
    const { notStarted } = this;
    if (notStarted !== undefined) {
      const exit = Promise.resolve({ code: null, signal: null, stderr: '', notStarted });
      return { lines$: EMPTY, exit, writeLine: () => undefined, stop: () => Promise.resolve() };
    }
    const lines = new Subject<readonly string[]>();
    this.#lines.push(lines);
    const exit = new Promise<SandboxExit>((resolve) => {
      // A real exit, too, is known only some time after the end of the output.
      lines.subscribe({ complete: () => setTimeout(resolve, 20, { code: 1, signal: null, stderr: '' }) });
    });
    return {
      lines$: lines,
      exit,
      writeLine: (line) => queueMicrotask(() => this.#answer(lines, asObject(parseObject(line)))),
      stop: () => Promise.resolve(lines.complete()),
    };
  }

  #answer(lines: Subject<readonly string[]>, { id, method, params }: JsonObject): void {
    if (id === undefined) return;
    const request = { method: asString(method) ?? '', params: asObject(params) };
    this.requests.push(request);
    const [answer, ...told] = this.behaviour(request.method, request.params) ?? [];
    if (answer === undefined) return;
    lines.next([{ id, ...answer }, ...told].map((message) => JSON.stringify(message)));
  }

  tell(...messages: readonly object[]): void {
    this.#lines.at(-1)?.next(messages.map((message) => JSON.stringify(message)));
  }

  die(): void {
    this.#lines.at(-1)?.complete();
  }

  readonly isolates = false;
  readonly description = 'none';
  openSocket = (): Promise<undefined> => Promise.resolve(undefined);
  allowPort = (): void => undefined;
  closeSocket = (): Promise<void> => Promise.resolve();
  readonly runsAsRoot = false;
  folders = () => THREAD.folders;
  files = () => THREAD.files;
  templates: Readonly<Record<string, string>> = {};
  templateText = (path: string) => Promise.resolve(this.templates[path]);
  prepare = () => Promise.resolve(THREAD.folders);
  deploy = (): Promise<void> => Promise.resolve();
  copy = (_from: string, _to: string, accept: () => Promise<void>): Promise<void> => accept();
  replace = (): Promise<never> => Promise.reject(new Error('nothing is to be written here'));
  run = () => Promise.resolve({ kind: 'missing' } as const);
  usage = () => Promise.resolve({ outputBytes: 0, cpuMs: 0, memoryKills: 0 });
  memoryBytes = (): Promise<ReadonlyMap<string, number>> => Promise.resolve(new Map());
  diskBytes = () => Promise.resolve(0);
  threadIds = () => Promise.resolve([]);
  describeLimits = () => [];
  warnings = () => Promise.resolve([]);
  remove = () => Promise.resolve();
  expectLife = () => undefined;
  kill = () => Promise.resolve();
  close = () => Promise.resolve();
}

const tell = (method: string, params: object) => ({ method, params: { threadId: 'T', ...params } });
const started = (id: string) => tell('turn/started', { turn: { id } });
const said = (text: string) => tell('item/completed', { item: { type: 'agentMessage', id: `m-${text}`, text } });
const ended = (id: string, status = 'completed') => tell('turn/completed', { turn: { id, status } });

const opening: Behaviour = (method) => {
  switch (method) {
    case 'thread/start':
    case 'thread/resume':
      return [{ result: { thread: { id: 'T' }, model: 'gpt-6' } }];
    default:
      return [{ result: {} }];
  }
};

function open(behaviour: Behaviour, thread: Partial<HarnessThread> = {}) {
  const sandbox = new FakeSandbox((method, params) => behaviour(method, params) ?? opening(method, params));
  const session = new CodexHarness(sandbox, 'codex').open({ ...THREAD, ...thread });
  const told: HarnessEvent[] = [];
  const run = async (turn: Partial<HarnessTurn> = {}) => {
    const batches = session.run({ ...TURN, ...turn }).pipe(tap((batch) => told.push(...batch)));
    return (await lastValueFrom(batches.pipe(toArray()))).flat();
  };
  const sent = (name: string) => sandbox.requests.filter(({ method }) => method === name).map(({ params }) => params);
  return { sandbox, session, run, told, sent };
}

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
    expect(sandbox.commands).toMatchObject([{ command: 'codex', env: { CODEX_HOME: `${FOLDER}/home/.codex` } }]);
    expect(sent('turn/start').map((params) => params['clientUserMessageId'])).toEqual(['turn-1', 'turn-2']);
  });

  it('starts another process, which reads no settings of the workspace, once those are not the deployment’s', async () => {
    const { sandbox, run, sent } = open((method) =>
      method === 'turn/start' ? [{ result: {} }, started('u'), said('PONG'), ended('u')] : undefined,
    );
    await run();
    await THREAD.files.write('workspace/.codex/config.toml', 'planted = 1');
    await run({ id: 'turn-2' });
    await run({ id: 'turn-3' });
    await THREAD.files.remove('workspace/.codex');
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

describe('CodexHarness', () => {
  const harness = new CodexHarness(new FakeSandbox(() => undefined), 'no-such-codex');

  it.each(['gpt-6.1-sol', 'gpt-5-codex', 'codex-mini-latest', 'o3', 'o4-mini', 'o1-preview'])('knows %s', (model) => {
    expect(harness.knowsModel(model)).toBe(true);
  });

  it.each(['claude-sonnet-4-5', 'opus', 'llama-3', ''])('does not know %s', (model) => {
    expect(harness.knowsModel(model)).toBe(false);
  });

  it('is unavailable without its program', async () => {
    expect(await harness.probe()).toBeUndefined();
  });
});

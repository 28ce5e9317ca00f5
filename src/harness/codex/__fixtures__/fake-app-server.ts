import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY, lastValueFrom, Subject, tap, toArray } from 'rxjs';
import { afterAll } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { SpawnFailure } from '../../../sandbox/process/spawn-failure.js';
import type { SandboxCommand, SandboxExit, SandboxProcess } from '../../../sandbox/sandbox.js';
import { OneThreadSandbox, type ThreadPlace } from '../../__fixtures__/one-thread-sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../../harness.js';
import { CodexHarness } from '../codex.harness.js';

/** Answers a request with what is told after it; `undefined` for a request that stays unanswered. */
export type AppServerBehaviour = (method: string, params: JsonObject) => readonly object[] | undefined;

/** A message of the server about its conversation, `T`. */
export const tell = (method: string, params: object) => ({ method, params: { threadId: 'T', ...params } });
/** A turn of Codex has started. */
export const started = (id: string) => tell('turn/started', { turn: { id } });
/** The model has said this. */
export const said = (text: string) => tell('item/completed', { item: { type: 'agentMessage', id: `m-${text}`, text } });
/** A turn of Codex has ended. */
export const ended = (id: string, status = 'completed') => tell('turn/completed', { turn: { id, status } });

/** A turn whose message is `hi`. */
export const TURN: HarnessTurn = { id: 'turn-1', prompt: [{ type: 'text', text: 'hi' }], attempt: 1, turnIndex: 0 };

/** A sandbox in which a made-up app-server runs; each process is one that `spawn` was called for. */
export class FakeAppServerSandbox extends OneThreadSandbox {
  readonly commands: SandboxCommand[] = [];
  readonly requests: { readonly method: string; readonly params: JsonObject }[] = [];
  readonly #lines: Subject<readonly string[]>[] = [];
  /** Why its processes do not start, if they do not. */
  notStarted: SpawnFailure | undefined;

  constructor(
    place: ThreadPlace,
    private readonly behaviour: AppServerBehaviour,
  ) {
    super(place);
  }

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
}

const opening: AppServerBehaviour = (method) => {
  switch (method) {
    case 'thread/start':
    case 'thread/resume':
      return [{ result: { thread: { id: 'T' }, model: 'gpt-6' } }];
    default:
      return [{ result: {} }];
  }
};

/** A session of Codex with a made-up app-server. */
export interface FakeCodex {
  readonly sandbox: FakeAppServerSandbox;
  readonly session: HarnessSession;
  /** All events that turns have emitted. */
  readonly told: readonly HarnessEvent[];
  /** Runs a turn to its end. Resolves to its events. */
  readonly run: (turn?: Partial<HarnessTurn>) => Promise<readonly HarnessEvent[]>;
  /** The parameters of all requests of this method. */
  readonly sent: (method: string) => readonly JsonObject[];
}

/** Makes sessions for one thread, in a folder that is removed after the tests of the file. */
export function fakeCodex() {
  const folder = mkdtempSync(join(tmpdir(), 'chiron-codex-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const thread: HarnessThread = {
    id: 'thread',
    folders: { workspace: `${folder}/workspace`, home: `${folder}/home`, server: `${folder}/server` },
    files: new ThreadFiles(folder),
    model: 'gpt-6',
    systemPrompt: undefined,
    tools: 'all',
    sessionId: undefined,
    env: {},
  };
  const open = (behaviour: AppServerBehaviour, more: Partial<HarnessThread> = {}): FakeCodex => {
    const answer: AppServerBehaviour = (method, params) => behaviour(method, params) ?? opening(method, params);
    const sandbox = new FakeAppServerSandbox(thread, answer);
    const session = new CodexHarness(sandbox, 'codex').open({ ...thread, ...more });
    const told: HarnessEvent[] = [];
    const run = async (turn: Partial<HarnessTurn> = {}): Promise<readonly HarnessEvent[]> => {
      const batches = session.run({ ...TURN, ...turn }).pipe(tap((batch) => told.push(...batch)));
      return (await lastValueFrom(batches.pipe(toArray()))).flat();
    };
    const sent = (name: string) => sandbox.requests.filter(({ method }) => method === name).map(({ params }) => params);
    return { sandbox, session, run, told, sent };
  };
  return { folder, thread, open };
}

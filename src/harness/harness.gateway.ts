// Over 250 lines because a quarter of it is doc comments, and what a turn does with a process has one owner.
import { Inject, Injectable, Logger } from '@nestjs/common';
import { defer, Observable, of, type Subscription } from 'rxjs';
import { Broker } from '../broker/broker.service.js';
import { AppConfig } from '../config/app-config.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { MissingTemplateError } from '../sandbox/errors.js';
import { ThreadFileError, type ThreadFiles } from '../sandbox/files/thread-files.js';
import type { TreeEntry } from '../sandbox/tree/walk-tree.js';
import type { HarnessEvent } from '../domain/harness-event.js';
import type { AgentRules } from '../domain/policy/agent-rules.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';
import { BilledTokens } from './billed-tokens.js';
import type { OpenFile } from './deliver-files.js';
import { deliverFilesWithRetries } from './file-delivery.js';
import type { FurtherMessage, Harness, HarnessName, HarnessTurn } from './harness.js';
import { LimitWatches } from './limits/limit-watch.js';
import { type PreparedTurn, ProcessTurn, type ProcessTurnHost } from './process-turn.js';
import { HarnessRegistry } from './harness.registry.js';
import { type OpenedSession, SessionOpener } from './session-opener.js';
import { SparePool } from './spares/spare-pool.js';
import { type WarmProcess, WarmProcesses } from './warm/warm-processes.js';
import { SnapshotKeeper } from '../snapshots/snapshot-keeper.js';
import type { RestoredSnapshot, SnapshotVersion } from '../snapshots/thread-snapshots.js';
import { harnessMissing, HOSTS_NOT_LIMITED, templateMissing, type FailedEvent } from './turn-failures.js';

/** The fields of a thread that the gateway needs to run its turns. */
export interface GatewayThread {
  readonly id: string;
  readonly key: string;
  readonly harness: HarnessName;
  /** The model to request from the harness; `undefined` for its own default. */
  readonly harnessModel: string | undefined;
  readonly systemPrompt: string | undefined;
  readonly tools: 'all' | 'none';
  /** The harness's id of the conversation, once it has one. */
  readonly sessionId: string | undefined;
  /** The state of its files that the turn makes; absent for a thread whose files no other server needs. */
  readonly version?: SnapshotVersion | undefined;
}

/** A turn for the gateway. */
export interface GatewayTurn extends HarnessTurn {
  /** What the policies of its caller decide about the agent; absent for nothing. */
  readonly rules?: AgentRules;
  /** Where its requests to the model are in a trace; absent for nowhere. */
  readonly traceparent?: string | undefined;
  /** Opens an uploaded file that the turn was accepted with; resolves to `undefined` if its bytes are gone. Absent for a turn without any. */
  readonly openFile?: OpenFile;
  /** Loads a seed from the stored turns after this sequence number and before this turn, for an agent whose files do not have them. */
  readonly recallSince?: (sequence: number) => Promise<readonly SeedMessage[]>;
}

/** What the outside may do with the files of a thread. */
export type WorkspaceAccess = Pick<ThreadFiles, 'bytes' | 'listPage' | 'lookAt' | 'stat' | 'walk' | 'write'>;

/** An entry of a workspace, as a walk finds it. */
export type WorkspaceTreeEntry = TreeEntry;

/** The process that a turn runs on. */
interface AcquiredProcess extends Omit<PreparedTurn, 'turn'> {
  /** What they were fetched from. */
  readonly snapshot?: RestoredSnapshot;
}

/** How many processes there are. */
export interface HarnessCounts {
  /** Those of threads: with a turn, or kept for the next one. */
  readonly warm: number;
  /** How many of these run a turn. */
  readonly running: number;
  /** How many of these wait for their caller's tools. */
  readonly parked: number;
  /** Those that no thread has yet. */
  readonly spares: number;
}

/** Runs turns on harnesses, and keeps the process of a thread warm for its next turn. */
@Injectable()
export class HarnessGateway {
  private readonly logger = new Logger(HarnessGateway.name);
  /** Starts that no turn has asked for. */
  readonly #startingEarly = new Map<string, Promise<void>>();
  #isStopping = false;
  /** Files that are being fetched, and what they were made from until a turn has told its agent of it. */
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #restored = new Map<string, RestoredSnapshot>();
  readonly #host: ProcessTurnHost;

  constructor(
    private readonly registry: HarnessRegistry,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly broker: Broker,
    private readonly keeper: SnapshotKeeper,
    private readonly opener: SessionOpener,
    private readonly spares: SparePool,
    private readonly warm: WarmProcesses,
  ) {
    const { turnOutputBytes, turnCpuMs, threadDiskBytes, threadMemoryBytes } = config;
    const billed = new BilledTokens(broker, registry);
    this.#host = {
      watches: new LimitWatches(sandbox, {
        outputBytes: turnOutputBytes,
        cpuMs: turnCpuMs,
        diskBytes: threadDiskBytes,
        memoryBytes: threadMemoryBytes,
      }),
      prepare: (thread, harness, turn, reader) => this.prepareTurn(thread, harness, turn, reader),
      begin: (thread, turn, process) => this.begin(thread, turn, process),
      count: (thread, turn, claimed, last) => billed.count(thread, turn, claimed, last),
      explain: (thread, turn, reason) => this.explain(thread, turn, reason),
      release: (thread, process, isStopped, last) => this.release(thread.id, process, isStopped, last),
    };
  }

  /**
   * Runs a turn of a thread: on its warm process, or on a new one that resumes the conversation.
   *
   * Cold. Completes after the event that ends the turn, which is a failure if the thread's harness is not available. Errors only if
   * the thread's folders cannot be created, or not fetched. Unsubscribing abandons the turn and stops the process.
   */
  run(thread: GatewayThread, turn: GatewayTurn): Observable<readonly HarnessEvent[]> {
    const harness = this.registry.find(thread.harness);
    if (harness === undefined)
      return this.fail(thread, turn, harnessMissing(thread.harness), 'its harness is not available');
    const { hostLimits = [] } = turn.rules ?? {};
    // Its programs would reach everything that the server's machine does.
    if (hostLimits.length > 0 && !this.sandbox.isolates)
      return this.fail(thread, turn, HOSTS_NOT_LIMITED, 'its policy limits hosts, and nothing isolates its agent');
    return new Observable((subscriber) => {
      const running = new ProcessTurn(this.#host, thread, harness, turn, subscriber);
      subscriber.add(running);
      running.start();
    });
  }

  /**
   * Whether the agent still has the conversation: in a live process, or as its own record in the thread's folders, if its harness keeps
   * session. Cheap: reads no file.
   */
  async remembers({ id, harness, sessionId }: Pick<GatewayThread, 'id' | 'harness' | 'sessionId'>): Promise<boolean> {
    const files = this.sandbox.files(id);
    // The record is in the snapshot, which the next turn fetches.
    if (!(await this.keeper.isCurrent(id))) return true;
    try {
      if ((await files.stat('home')) === undefined) return false;
      if (sessionId === undefined || this.warm.get(id)?.session.alive === true) return true;
      return (await this.registry.find(harness)?.hasRecord?.(files, sessionId)) ?? true;
    } catch (error) {
      // Something else than a file has the name of the record.
      if (error instanceof ThreadFileError) return false;
      throw error;
    }
  }

  /**
   * Starts the process of a thread that has a conversation and no process, before its next turn is known. Does nothing where another process
   * would have to end for it, or where only the turn knows which files the thread lacks. Rejects when the thread's files cannot be read or written.
   */
  async startEarly(thread: GatewayThread): Promise<void> {
    const harness = this.registry.find(thread.harness);
    if (harness?.runsOnSpare === undefined || thread.sessionId === undefined) return;
    if (this.warm.get(thread.id) !== undefined || this.#startingEarly.has(thread.id) || !this.hasRoomForIdle) return;
    const starting = this.openEarly(thread, harness).finally(() => this.#startingEarly.delete(thread.id));
    this.#startingEarly.set(thread.id, starting);
    await starting;
  }

  /** Interrupts a thread's running turn, which then ends as `interrupted`. False if no turn runs, or its process is not ready yet. */
  interrupt(threadId: string): boolean {
    const warm = this.warm.get(threadId);
    if (warm?.running !== true || warm.turnId === undefined) return false;
    warm.session.interrupt();
    return true;
  }

  /**
   * Hands a further message of the user to a thread's running turn. `undefined` while its process is starting. Otherwise resolves to
   * whether the agent hears the message in this turn; never if it cannot be steered, or if another turn runs.
   */
  steer(threadId: string, turnId: string, message: FurtherMessage): Promise<boolean> | undefined {
    const warm = this.warm.get(threadId);
    if (warm?.turnId === undefined) return undefined;
    if (warm.turnId !== turnId || warm.session.steer === undefined) return Promise.resolve(false);
    return warm.session.steer(message);
  }

  /** Whether a thread's running turn takes further messages; `undefined` if no turn runs, or its process is starting. */
  canSteer(threadId: string): boolean | undefined {
    const warm = this.warm.get(threadId);
    return warm?.turnId === undefined ? undefined : warm.session.steer !== undefined;
  }

  /** Stops a thread's process, even during a turn. Resolves when it has exited. */
  stop(threadId: string): Promise<void> {
    return this.warm.stop(threadId);
  }

  /**
   * Stops a thread's process and copies its files for another thread, which has none. The copy is in place once `accept` has resolved; what
   * it rejects with ends the call, and nothing is left.
   *
   * @param version the state of the copy's files
   */
  async copyFiles(
    threadId: string,
    toThreadId: string,
    accept: () => Promise<void>,
    version: SnapshotVersion,
  ): Promise<void> {
    await this.stop(threadId);
    await this.keeper.bringIn(threadId);
    await this.sandbox.copy(threadId, toThreadId, accept);
    this.keeper.putAway(toThreadId, version);
  }

  /** Stops a thread's process and removes all its files, from this machine and from snapshots. Its next turn starts a new conversation. */
  async remove(threadId: string): Promise<void> {
    await this.stop(threadId);
    await this.keeper.remove(threadId);
    await this.sandbox.remove(threadId);
  }

  /** Stops a thread's process and removes its files from this machine alone: another server has the thread. */
  async discardFiles(threadId: string): Promise<void> {
    await this.stop(threadId);
    await this.sandbox.remove(threadId);
  }

  /** The files of a thread, for reading what is in its workspace; fetched if another server has saved newer ones and no process uses them. */
  async openWorkspace(threadId: string): Promise<WorkspaceAccess> {
    await this.#startingEarly.get(threadId)?.catch(() => undefined);
    if (this.warm.get(threadId) === undefined) {
      await this.warm.stopped(threadId);
      await this.#bringIn(threadId);
    }
    return this.sandbox.files(threadId);
  }

  /** As {@link openWorkspace}, for writing: makes the workspace, from this template if there is one, unless it is there. */
  async prepareWorkspace(threadId: string, template: string | undefined): Promise<WorkspaceAccess> {
    const files = await this.openWorkspace(threadId);
    await this.sandbox.prepare(threadId, this.registry.homeFolders, template);
    return files;
  }

  /** Has a thread's files saved that were written between turns; those of a running turn are saved with its end. */
  noteWritten(threadId: string, version: SnapshotVersion): void {
    if (this.warm.get(threadId)?.running !== true) this.keeper.putAway(threadId, version);
  }

  /** One at a time for each thread: two would replace its folders twice. What was fetched is kept for the next turn, which tells its agent. */
  async #bringIn(threadId: string): Promise<void> {
    const running = this.#fetching.get(threadId);
    if (running !== undefined) return running;
    const fetching = this.keeper
      .bringIn(threadId)
      .then((restored) => {
        if (restored !== undefined) this.#restored.set(threadId, restored);
      })
      .finally(() => this.#fetching.delete(threadId));
    this.#fetching.set(threadId, fetching);
    return fetching;
  }

  /** Bytes that the files of a thread take on this machine; see `Sandbox.diskBytes`. */
  diskBytes(threadId: string): Promise<number> {
    return this.sandbox.diskBytes(threadId);
  }

  /** Bytes that the files of every thread take on this machine, by thread id. Measures one after the other. */
  async diskBytesByThread(): Promise<ReadonlyMap<string, number>> {
    const bytes = new Map<string, number>();
    for (const id of await this.sandbox.threadIds()) bytes.set(id, await this.sandbox.diskBytes(id));
    return bytes;
  }

  /** Stops every process, and saves the files that are not saved yet. Call it after the last turn. */
  async stopAll(): Promise<void> {
    this.#isStopping = true;
    await this.spares.stop();
    await this.endAll();
  }

  private async endAll(): Promise<void> {
    await Promise.allSettled(this.#startingEarly.values());
    await this.warm.stopAll();
    await this.keeper.flush();
  }

  /** Has every process killed unless this is called again within so many seconds; see `Sandbox.expectLife`. */
  expectLife(seconds: number): void {
    this.sandbox.expectLife(seconds);
  }

  /** Kills every process at once. Resolves when they have exited. */
  async killAll(): Promise<void> {
    // First, so that none of them is taken for one that ended by itself.
    const cleared = this.spares.clear();
    await this.sandbox.kill();
    await cleared;
    await this.endAll();
  }

  /** The threads that have files on this machine. */
  threadIds(): Promise<readonly string[]> {
    return this.sandbox.threadIds();
  }

  /** The harness of each process that is started. Never completes; unsubscribing has no effect on processes. */
  get starts$(): Observable<HarnessName> {
    return this.opener.starts$;
  }

  /** What the broker refuses to agents; see `Broker.refusals$`. */
  get refusals$(): Observable<void> {
    return this.broker.refusals$;
  }

  /** For metrics and tests. */
  get counts(): HarnessCounts {
    const kept = this.warm.all;
    const running = kept.filter((warm) => warm.running).length;
    const parked = kept.filter((warm) => warm.waits).length;
    return { warm: kept.length, running, parked, spares: this.spares.count };
  }

  /** Makes the process of a turn ready, and puts the turn's files where its agent finds them. What fails leaves the thread as it was. */
  private async prepareTurn(
    thread: GatewayThread,
    harness: Harness,
    turn: GatewayTurn,
    reader: Pick<Subscription, 'closed'>,
  ): Promise<PreparedTurn> {
    const { warm, snapshot, ...acquired } = await this.acquire(thread, harness, turn);
    try {
      const delivered = await deliverFilesWithRetries(turn, {
        threadId: thread.id,
        files: this.sandbox.files(thread.id),
        takesPdf: harness.takesPdf === true,
        isAbandoned: () => reader.closed,
      });
      if (reader.closed) throw new Error('the turn was abandoned before it began');
      return { warm, ...acquired, turn: delivered };
    } catch (error) {
      // Its agent was told nothing of what was fetched: the next turn tells it.
      if (snapshot !== undefined) this.#restored.set(thread.id, snapshot);
      this.warm.evict(thread.id, warm);
      throw error;
    }
  }

  private async acquire(thread: GatewayThread, harness: Harness, turn: GatewayTurn): Promise<AcquiredProcess> {
    const { workspaceTemplate } = turn.rules ?? {};
    // A start that failed is the turn's own to try again.
    await this.#startingEarly.get(thread.id)?.catch(() => undefined);
    const existing = this.warm.get(thread.id);
    if (existing !== undefined) {
      const isUsable =
        existing.session.alive &&
        (await this.keeper.isCurrent(thread.id)) &&
        (await this.isInWorkspace(thread.id, existing, workspaceTemplate));
      // It may have been evicted during the check.
      if (isUsable && this.warm.get(thread.id) === existing) {
        clearTimeout(existing.idleTimer);
        existing.running = true;
        existing.waits = false;
        existing.turns += 1;
        return { warm: existing };
      }
      this.warm.evict(thread.id, existing);
    }
    await this.warm.stopped(thread.id);
    await this.#bringIn(thread.id);
    const snapshot = this.#restored.get(thread.id);
    this.#restored.delete(thread.id);
    const missing = snapshot === undefined ? [] : ((await turn.recallSince?.(snapshot.turn)) ?? []);
    const opened =
      (await this.takeSpare(thread, workspaceTemplate)) ?? (await this.opener.open(thread, harness, workspaceTemplate));
    const warm = this.warm.add(thread.id, opened, { running: true, turns: 1, version: thread.version });
    return snapshot === undefined ? { warm } : { warm, snapshot, restored: { extent: snapshot.extent, missing } };
  }

  private async openEarly(thread: GatewayThread, harness: Harness): Promise<void> {
    await this.warm.stopped(thread.id);
    if (!(await this.keeper.isCurrent(thread.id)) || !(await this.remembers(thread))) return;
    const opened = await this.opener.open(thread, harness);
    const early = await opened.session.startEarly?.();
    // A turn, or the end of the server, may have come meanwhile.
    if (early === undefined || !this.hasRoomForIdle) {
      await this.opener.close(thread.id, opened.session);
      return;
    }
    const warm = this.warm.add(thread.id, opened);
    this.warm.keepIdle(thread.id, warm, this.config.harnessIdleMs);
    void early.gone.then(() => {
      if (!warm.running) this.warm.evict(thread.id, warm);
    });
  }

  /** The session that was opened for a thread before anybody knew of the thread; `undefined` if there is none, or none that fits. */
  private async takeSpare(
    thread: GatewayThread,
    workspaceTemplate: string | undefined,
  ): Promise<OpenedSession | undefined> {
    const spare = this.spares.take(thread.id);
    if (spare === undefined) return undefined;
    const { session, place, workspace } = spare;
    if (workspaceTemplate === undefined && session.alive && workspace === (await this.opener.workspaceId(thread.id))) {
      session.adopt?.(this.opener.toHarnessThread(thread, place));
      return spare;
    }
    await this.opener.close(thread.id, session);
    // Its workspace is from another template.
    if (workspaceTemplate !== undefined) await this.sandbox.remove(thread.id);
    return undefined;
  }

  private begin(thread: GatewayThread, turn: GatewayTurn, warm: WarmProcess): void {
    warm.turnId = turn.id;
    warm.version = thread.version;
    const { hostLimits = [] } = turn.rules ?? {};
    this.broker.beginTurn(thread.id, { turnId: turn.id, hostLimits, traceparent: turn.traceparent });
  }

  private explain(thread: GatewayThread, turn: GatewayTurn, reason: unknown): readonly HarnessEvent[] | undefined {
    if (!(reason instanceof MissingTemplateError)) return undefined;
    this.logRefusal(thread, turn, reason.message);
    return [templateMissing(reason.template)];
  }

  private fail(
    thread: GatewayThread,
    turn: GatewayTurn,
    failure: FailedEvent,
    reason: string,
  ): Observable<readonly HarnessEvent[]> {
    return defer(() => {
      this.logRefusal(thread, turn, reason);
      return of([failure]);
    });
  }

  private logRefusal({ id: threadId, harness }: GatewayThread, { id: turnId }: GatewayTurn, reason: string): void {
    this.logger.warn({ threadId, turnId, harness }, `failed to run a turn: ${reason}`);
  }

  /** A process keeps its start folder even after that is removed and another folder gets its name. */
  private async isInWorkspace(threadId: string, warm: WarmProcess, template: string | undefined): Promise<boolean> {
    await this.sandbox.prepare(threadId, this.registry.homeFolders, template);
    return warm.workspace === (await this.opener.workspaceId(threadId)) && warm.session.alive;
  }

  /** After a turn: keeps the process for the next turn until the idle timeout, or longer if its agent waits for results of the caller's tools. */
  private release(
    threadId: string,
    warm: WarmProcess,
    isStopped: boolean,
    last: readonly HarnessEvent[] | undefined,
  ): void {
    const waits = last !== undefined && waitsForCaller(last);
    if (isStopped) this.warm.evict(threadId, warm);
    warm.running = false;
    warm.waits = waits;
    warm.turnId = undefined;
    if (this.warm.get(threadId) !== warm) return;
    if (!warm.session.alive) {
      this.warm.evict(threadId, warm);
      return;
    }
    if (warm.version !== undefined) this.keeper.putAway(threadId, warm.version);
    this.warm.keepIdle(threadId, warm, waits ? this.config.parkedMs : this.config.harnessIdleMs);
  }

  private get hasRoomForIdle(): boolean {
    return !this.#isStopping && this.warm.hasRoom;
  }
}

/** Whether a turn has ended with calls of the caller's tools. */
function waitsForCaller(events: readonly HarnessEvent[]): boolean {
  const last = events.at(-1);
  return last?.type === 'turn-end' && last.reason === 'tool_use';
}

// Over 250 lines because the life of a spare has one owner.
import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { readMachineMemory } from '../../sandbox/limits/machine-memory.js';
import { Sandbox } from '../../sandbox/sandbox.js';
import { type FirstTurnNeeds, type HarnessName, NO_NEEDS } from '../harness.js';
import { HarnessRegistry } from '../harness.registry.js';
import { type OpenedSession, SessionOpener } from '../session-opener.js';
import { ARRIVAL_MEMORY_MS, choosePoolSize } from './pool-size.js';
import { SpareNotes } from '../../sandbox/files/spare-notes.js';
import { readTreeState } from '../../sandbox/files/tree-state.js';

/** What a spare has to be started with. */
export interface SpareKind {
  readonly harness: HarnessName;
  /** `none` for requests beside a conversation; see `HarnessThread.tools`. */
  readonly tools: 'all' | 'none';
}

interface Spare {
  readonly id: string;
  readonly kind: SpareKind;
  readonly opened: OpenedSession;
  /** What the templates and programs were like when it was started. */
  readonly madeFrom: string;
  /** A thread has its id; its process waits for the first turn. */
  isClaimed: boolean;
  claimTimer?: NodeJS.Timeout;
}

/** How long after the last claim, or start, another process is started: the one that a caller waits for goes first. */
const REFILL_PAUSE_MS = 1_500;
/** How soon to look again while turns wait. */
const BUSY_PAUSE_MS = 2_000;
/** How often to look whether what spares were made from has changed, and whether fewer are needed. */
const CHECK_MS = 30_000;
/** For how long the state of templates and programs counts as known. */
const STATE_TTL_MS = 1_000;
/** How long a kind is left alone whose spare could not be started, or ended by itself. It doubles each time. */
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 600_000;

/**
 * Processes of agents that were started before anybody asked, each in the folders, the sandbox and with the credentials of the thread that it will
 * become. A new thread takes over the id of a spare, and with it all of that; a spare serves one thread.
 */
@Injectable()
export class SparePool {
  readonly #logger = new Logger(SparePool.name);
  readonly #spares = new Map<string, Spare>();
  readonly #notes: SpareNotes;
  readonly #arrivals = new Map<string, number[]>();
  readonly #backoff = new Map<string, { readonly until: number; readonly ms: number }>();
  /** Kinds of which none can be started ahead as long as the templates and programs are like this. */
  readonly #unable = new Map<string, string>();
  #state: { readonly digest: Promise<string>; readonly readAt: number } | undefined;
  #mayStart: () => boolean = () => false;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #work: Promise<void> = Promise.resolve();
  #isStopped = true;

  constructor(
    private readonly registry: HarnessRegistry,
    private readonly opener: SessionOpener,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {
    this.#notes = new SpareNotes(config.dataDirectory);
  }

  /** How many processes wait for a thread. */
  get count(): number {
    return [...this.#spares.values()].filter(({ isClaimed }) => !isClaimed).length;
  }

  /** The ids of threads that an earlier run of this server has made folders for; whether they became threads, the store knows. */
  leftovers(): Promise<readonly string[]> {
    return this.#notes.list();
  }

  /** Forgets a leftover that is a thread, or whose files are gone. */
  forget(threadId: string): Promise<void> {
    return this.#notes.remove(threadId);
  }

  /**
   * Begins to keep spares. Call it once the server is ready.
   *
   * @param mayStart whether the machine has time for it: no turn waits
   */
  begin(mayStart: () => boolean): void {
    if (this.config.poolSize === 0) return;
    this.#isStopped = false;
    this.#mayStart = mayStart;
    this.#schedule(0);
  }

  /**
   * Takes a spare for a new thread, and returns the id that the thread has to have. `undefined` if there is none. The thread's first turn gets
   * it with {@link take}.
   */
  async claim(kind: SpareKind, needs: FirstTurnNeeds): Promise<string | undefined> {
    if (this.#isStopped || !this.#canRun(kind, needs)) return undefined;
    this.#noteArrival(kind);
    this.#schedule(REFILL_PAUSE_MS);
    if (this.count === 0) return undefined;
    const digest = await this.#readState();
    const found = [...this.#spares.values()].find(
      (spare) => !spare.isClaimed && isSame(spare.kind, kind) && spare.madeFrom === digest,
    );
    if (found === undefined) return undefined;
    found.isClaimed = true;
    found.claimTimer = setTimeout(() => void this.#endProcess(found), this.config.harnessIdleMs);
    found.claimTimer.unref();
    return found.id;
  }

  /** Gives a claimed spare to the first turn of its thread. `undefined` for any other thread. */
  take(threadId: string): OpenedSession | undefined {
    const spare = this.#spares.get(threadId);
    if (spare === undefined) return undefined;
    clearTimeout(spare.claimTimer);
    this.#spares.delete(threadId);
    this.#notes.remove(threadId).catch((error: unknown) => this.#logFailure(error, 'forget a spare'));
    return spare.opened;
  }

  /** Ends a claimed spare whose thread was not made after all, with its folders. Never rejects. */
  async release(threadId: string): Promise<void> {
    const spare = this.#spares.get(threadId);
    if (spare !== undefined) await this.#dispose(spare);
  }

  /** Ends all spares, with their folders. Claimed ones stay as threads. Resolves when their processes have exited. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#work;
    await this.clear();
  }

  /** Ends all spares like {@link stop}; others are started later. */
  async clear(): Promise<void> {
    const spares = [...this.#spares.values()];
    await Promise.all(spares.map((spare) => (spare.isClaimed ? this.#endProcess(spare) : this.#dispose(spare))));
  }

  /** Looks what is to be done in so many milliseconds, unless it does so sooner. */
  #schedule(ms: number): void {
    const dueAt = performance.now() + ms;
    if (this.#isStopped || (this.#timer !== undefined && this.#dueAt <= dueAt)) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#work = this.#work
        .then(() => this.#tend())
        .catch((error: unknown) => this.#logFailure(error, 'keep spares'));
    }, ms);
    this.#timer.unref();
  }

  /** Ends what is not needed any more, and starts one spare if one is missing. */
  async #tend(): Promise<void> {
    this.#schedule(CHECK_MS);
    const digest = await this.#readState();
    const outdated = [...this.#spares.values()].filter(({ isClaimed, madeFrom }) => !isClaimed && madeFrom !== digest);
    await Promise.all(outdated.map((spare) => this.#dispose(spare)));
    for (const kind of this.#kinds()) {
      const kept = this.#unclaimed(kind);
      await Promise.all(kept.slice(this.#sizeOf(kind)).map((spare) => this.#dispose(spare)));
    }
    const missing = this.#kinds().find((kind) => this.#isMissing(kind, digest));
    if (missing === undefined || this.#isStopped) return;
    if (!this.#mayStart()) return this.#schedule(BUSY_PAUSE_MS);
    await this.#start(missing, digest);
    this.#schedule(REFILL_PAUSE_MS);
  }

  #isMissing(kind: SpareKind, digest: string): boolean {
    const name = toName(kind);
    if (this.#unable.get(name) === digest || (this.#backoff.get(name)?.until ?? 0) > Date.now()) return false;
    return this.#unclaimed(kind).length < this.#sizeOf(kind);
  }

  async #start(kind: SpareKind, madeFrom: string): Promise<void> {
    const harness = this.registry.find(kind.harness);
    if (harness === undefined) return;
    const id = randomUUID();
    await this.#notes.add(id);
    let opened: OpenedSession | undefined;
    try {
      const thread = { id, key: undefined, harnessModel: undefined, systemPrompt: undefined, sessionId: undefined };
      opened = await this.opener.open({ ...thread, ...kind }, harness);
      const early = await opened.session.startEarly?.();
      const spare: Spare = { id, kind, opened, madeFrom, isClaimed: false };
      if (early === undefined || this.#isStopped) {
        if (early === undefined) this.#unable.set(toName(kind), madeFrom);
        return await this.#dispose(spare);
      }
      this.#spares.set(id, spare);
      void early.gone.then(() => this.#noteGone(spare));
    } catch (error) {
      this.#logFailure(error, 'start a spare');
      this.#backOff(kind);
      if (opened === undefined) await this.#removeFolders(id);
      else await this.#dispose({ id, opened });
    }
  }

  /** One that ended by itself is no spare any more. A claimed one has its session still, which starts another process. */
  #noteGone(spare: Spare): void {
    if (this.#spares.get(spare.id) !== spare || spare.isClaimed || this.#isStopped) return;
    this.#logger.warn({ harness: spare.kind.harness }, 'a spare process of an agent ended by itself');
    this.#backOff(spare.kind);
    void this.#dispose(spare);
    this.#schedule(REFILL_PAUSE_MS);
  }

  #backOff(kind: SpareKind): void {
    const name = toName(kind);
    const ms = Math.min(LONGEST_BACKOFF_MS, (this.#backoff.get(name)?.ms ?? FIRST_BACKOFF_MS / 2) * 2);
    this.#backoff.set(name, { until: Date.now() + ms, ms });
  }

  async #endProcess({ id, opened, claimTimer }: Pick<Spare, 'id' | 'opened' | 'claimTimer'>): Promise<void> {
    clearTimeout(claimTimer);
    this.#spares.delete(id);
    try {
      await this.opener.close(id, opened.session);
    } catch (error) {
      this.#logFailure(error, 'end a spare');
    }
  }

  async #dispose(spare: Pick<Spare, 'id' | 'opened' | 'claimTimer'>): Promise<void> {
    await this.#endProcess(spare);
    await this.#removeFolders(spare.id);
  }

  /** A folder that could not be removed stays noted, and the next start of the server tries again. */
  async #removeFolders(threadId: string): Promise<void> {
    try {
      await this.sandbox.remove(threadId);
      await this.#notes.remove(threadId);
    } catch (error) {
      this.#logFailure(error, 'remove the folders of a spare');
    }
  }

  #kinds(): readonly SpareKind[] {
    const kinds = this.registry.available.flatMap(({ name }): readonly SpareKind[] => [
      { harness: name, tools: 'all' },
      { harness: name, tools: 'none' },
    ]);
    return kinds.filter((kind) => this.#canRun(kind, NO_NEEDS) && !this.#lacksTools(kind));
  }

  /** Whether a spare can run such a first turn, which has the MCP servers of the deployment as well. */
  #canRun(kind: SpareKind, needs: FirstTurnNeeds): boolean {
    const hasMcpServers = needs.hasMcpServers || (kind.tools === 'all' && this.config.mcpServers.length > 0);
    return this.registry.find(kind.harness)?.runsOnSpare?.({ ...needs, hasMcpServers }) === true;
  }

  /** Whether no thread of this kind comes to this harness. */
  #lacksTools({ harness, tools }: SpareKind): boolean {
    return tools === 'none' && this.registry.find(harness)?.needsTools === true;
  }

  #unclaimed(kind: SpareKind): readonly Spare[] {
    return [...this.#spares.values()].filter((spare) => !spare.isClaimed && isSame(spare.kind, kind));
  }

  #sizeOf(kind: SpareKind): number {
    return choosePoolSize({
      setting: this.config.poolSize,
      arrivals: this.#arrivals.get(toName(kind)) ?? [],
      isDefault: kind.tools === 'all' && kind.harness === this.registry.defaultHarness,
      memoryBytes: readMachineMemory(),
      nowMs: Date.now(),
    });
  }

  #noteArrival(kind: SpareKind): void {
    const now = Date.now();
    const kept = (this.#arrivals.get(toName(kind)) ?? []).filter((at) => now - at < ARRIVAL_MEMORY_MS).slice(-500);
    this.#arrivals.set(toName(kind), [...kept, now]);
  }

  #readState(): Promise<string> {
    const now = performance.now();
    if (this.#state === undefined || now - this.#state.readAt > STATE_TTL_MS) {
      const { workspaceTemplate, homeTemplate } = this.config;
      const programs = this.registry.available.map(({ name }) => this.registry.programOf(name));
      this.#state = { digest: readTreeState([workspaceTemplate, homeTemplate, ...programs]), readAt: now };
    }
    return this.#state.digest;
  }

  #logFailure(error: unknown, what: string): void {
    this.#logger.warn({ err: error }, `failed to ${what}`);
  }
}

function isSame(one: SpareKind, other: SpareKind): boolean {
  return one.harness === other.harness && one.tools === other.tools;
}

function toName({ harness, tools }: SpareKind): string {
  return `${harness} ${tools}`;
}

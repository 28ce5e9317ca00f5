// Over 250 lines: when a server joins, goes on, gives up others and ends its agents is one decision, and reads best in one place.
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type Database, describeError, NodeLostError } from '../storage/database/database.js';
import type { Node, NodeStore } from '../storage/stores/node.store.js';
import type { ThreadStore } from '../storage/stores/thread.store.js';
import { answerBeatAge, askBeatAges } from './beat-age.js';
import type { Jobs } from './jobs.js';
import { answerJoin, tellJoined } from './join-notice.js';
import type { NodeDuties, NodeOptions } from './node-duties.js';
import type { PeerClient } from './peer-client.js';
import type { PeerServer } from './peer-server.js';
import type { ThisNode } from './this-node.js';
import { withTimeout } from './with-timeout.js';

// Parts of the time-out. A node that hears nothing of the store stops its agents before the others give it up, and they do so early enough
// that its turns go on elsewhere within the time-out.
const BEAT_PART = 1 / 8;
const STOP_PART = 0.6;
const LOST_PART = 0.8;

/**
 * This server among the others: tells them that it lives, sees who of them does, and gives up those that do not.
 *
 * While the store is away for all of them, everybody goes on: nobody can give up anybody. A server that alone cannot reach it stops its
 * agents. Those of one that is suspended are ended by the process that guards them, and it knows as soon as it wakes up.
 */
export class ClusterNode {
  readonly #logger = new Logger('Cluster');
  #nodes: readonly Node[] = [];
  /** The URLs of servers that have said that they joined while this one could not look at the store. */
  #unseen: readonly string[] = [];
  /** By `performance.now()`: the last heartbeat that was stored, since when there was none that failed, and the last look at the time. */
  #beatenAt = -Infinity;
  #steadySince: number | undefined;
  #tickedAt = performance.now();
  /** When a heartbeat first failed since the last one that did not. */
  #failingSince: number | undefined;
  /** Whether the operator was told of {@link #isReplaced}. */
  #hasToldOfDouble = false;
  #duties: NodeDuties | undefined;
  #loop: Promise<void> | undefined;
  #life: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();

  constructor(
    readonly self: ThisNode,
    private readonly options: NodeOptions,
    private readonly database: Database,
    private readonly store: NodeStore,
    private readonly threads: ThreadStore,
    private readonly jobs: Jobs,
    readonly server: PeerServer,
    readonly client: PeerClient,
    private readonly url: string,
  ) {
    answerBeatAge(server, () => performance.now() - this.#beatenAt);
    answerJoin(server, (joined) => this.#welcome(joined));
  }

  /** The servers of the store, this one too, as of its last heartbeat. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Looks who the others are now; they may have come or gone since the last heartbeat. Keeps what is known if the store is away. */
  async refresh(): Promise<void> {
    await this.#look();
  }

  async #look(): Promise<boolean> {
    try {
      this.#know(await this.#within(this.store.list()));
      return true;
    } catch (error) {
      this.#logger.warn(`cannot look for the other servers: ${describeError(error)}`);
      return false;
    }
  }

  #know(nodes: readonly Node[]): void {
    this.#nodes = nodes;
    this.#unseen = [];
  }

  /** One that joins just as this server loses the store is to be known, or this server would take itself for the only one. */
  async #welcome(url: string | undefined): Promise<void> {
    if (!(await this.#look()) && url !== undefined) this.#unseen = [...this.#unseen, url];
  }

  /** The server with this id, if it lives: a stopped one does not. */
  findLiving(id: string | undefined): Node | undefined {
    return this.#nodes.find((node) => node.id === id && this.isLiving(node));
  }

  /** Whether a server answers calls. */
  isLiving({ state, silentMs }: Node): boolean {
    const isUp = state === 'up' || state === 'draining';
    return isUp && silentMs + (performance.now() - this.#beatenAt) < this.options.timeoutMs * LOST_PART;
  }

  /** Whether the threads of this server wait for it: it lives, or was stopped and may come back in time. */
  isAwaited(id: string | undefined): boolean {
    return this.#nodes.some((node) => node.id === id && node.state !== 'lost');
  }

  /** Joins the others. Rejects when the store cannot be reached. */
  async join(duties: NodeDuties): Promise<void> {
    this.#duties = duties;
    await this.#register(duties);
    this.#loop = this.#beatForever(duties);
    // Apart from the heartbeats, which wait for the store.
    const sayAlive = (): void => {
      if (this.self.isActive) duties.expectLife(this.#lifeSeconds);
    };
    this.#life = setInterval(sayAlive, (this.#lifeSeconds * 1000) / 4).unref();
  }

  /** Sends a heartbeat now, so that the others know what has changed. Never rejects. */
  async beat(): Promise<void> {
    if (this.#duties !== undefined) await this.#beat(this.#duties);
  }

  /** Leaves in order. Never rejects. */
  async leave(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#life);
    await this.#loop;
    try {
      await this.#within(this.store.stop(this.self.identity));
    } catch (error) {
      this.#logger.warn(
        `could not leave in order; the others notice that this server is gone: ${describeError(error)}`,
      );
    }
  }

  get #lifeSeconds(): number {
    return Math.max(1, Math.floor((this.options.timeoutMs * STOP_PART) / 1000));
  }

  async #register(duties: NodeDuties): Promise<void> {
    const { name, role } = this.options;
    this.self.renew();
    const { identity } = this.self;
    const startedAt = performance.now();
    await this.store.register({ ...identity, name, role, url: this.url, load: duties.readLoad() });
    this.database.node = identity;
    await this.database.syncClock();
    this.#know(await this.store.list());
    this.#beatenAt = startedAt;
    this.#tickedAt = performance.now();
    await duties.settle();
    // Before anything runs here: this server may be suspended a moment later.
    duties.expectLife(this.#lifeSeconds);
    this.self.begin();
    // Not awaited: they may be gone.
    void this.#tellOthers();
    await duties.recover();
  }

  /** A server that loses the store before its next heartbeat would otherwise not know this one, and take itself for the only one. */
  async #tellOthers(): Promise<void> {
    const notTold = await tellJoined(this.client, this.url, this.#others(), this.options.timeoutMs * BEAT_PART);
    if (notTold > 0) this.#logger.warn(`${notTold} other servers could not be told that this one has joined`);
  }

  async #beatForever(duties: NodeDuties): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await delay(this.options.timeoutMs * BEAT_PART, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.#beat(duties);
    }
  }

  async #beat(duties: NodeDuties): Promise<void> {
    const now = performance.now();
    const wasSuspended = now - this.#tickedAt > this.options.timeoutMs * STOP_PART;
    this.#tickedAt = now;
    if (wasSuspended && now - this.#beatenAt > this.options.timeoutMs * STOP_PART) {
      await this.#stopAgents(duties, 'this server was suspended');
    }
    try {
      if (!this.self.isActive) {
        if (await this.#isReplaced()) return;
        await this.#register(duties);
        this.#logger.log('this server takes part again');
        return;
      }
      const state = duties.isDraining() ? 'draining' : 'up';
      if (!(await this.#within(this.store.beat(this.self.identity, state, duties.readLoad()))))
        throw new NodeLostError();
      this.#know(await this.#within(this.store.list()));
      this.#beatenAt = now;
      if (this.#failingSince !== undefined) this.#logger.log('heartbeats are stored again');
      this.#failingSince = undefined;
      this.#steadySince ??= now;
      await this.#giveUpSilent();
      // Not awaited: it may take longer than until the next heartbeat.
      void duties.recover();
    } catch (error) {
      await this.#handleFailure(duties, error);
    }
    this.#tickedAt = performance.now();
  }

  async #handleFailure(duties: NodeDuties, error: unknown): Promise<void> {
    this.#steadySince = undefined;
    const isFirst = this.#failingSince === undefined;
    this.#failingSince ??= performance.now();
    if (error instanceof NodeLostError) {
      await this.#stopAgents(duties, 'the other servers have given this one up');
      return;
    }
    if (isFirst) this.#logger.warn(`heartbeats fail: ${describeError(error)}`);
    const isLate = performance.now() - this.#beatenAt > this.options.timeoutMs * STOP_PART;
    if (!isLate || !this.self.isActive || !(await this.#isAlone())) return;
    await this.#stopAgents(duties, 'this server alone cannot reach the store');
  }

  async #stopAgents(duties: NodeDuties, reason: string): Promise<void> {
    if (!this.self.isActive) return;
    this.self.pause();
    this.#logger.error(`ending the agents that run here: ${reason}`);
    await duties.stopEverything();
  }

  /**
   * Whether another server has this one's id, on a copy of its data folder: a start that is not lost and not this one. Each would take the
   * other's place again and again, so this one waits until the other is gone.
   */
  async #isReplaced(): Promise<boolean> {
    const row = (await this.store.list()).find(({ id }) => id === this.self.id);
    const isReplaced =
      row !== undefined &&
      row.incarnation !== this.self.identity.incarnation &&
      (row.state === 'up' || row.state === 'draining') &&
      row.silentMs < this.options.timeoutMs * LOST_PART;
    if (isReplaced && !this.#hasToldOfDouble) {
      this.#logger.error(
        { node: row.name },
        'another server has the node id of this one, which takes no part until that is gone: its data folder is a copy. Remove the file node-id from one of the two, and start it again',
      );
    }
    this.#hasToldOfDouble = isReplaced;
    return isReplaced;
  }

  /** Whether others have reached the store since this one cannot, or cannot be asked. A server that knows no others goes on. */
  async #isAlone(): Promise<boolean> {
    const others = [...this.#others(), ...this.#unseen.map((url) => ({ url }))];
    if (others.length === 0) return false;
    const ages = await askBeatAges(this.client, others, this.options.timeoutMs * BEAT_PART);
    const failingMs = performance.now() - (this.#failingSince ?? Infinity);
    return ages.length === 0 || ages.some((age) => age < failingMs);
  }

  #others(): readonly Node[] {
    return this.#nodes.filter(({ id, state }) => id !== this.self.id && (state === 'up' || state === 'draining'));
  }

  /** Only a server that has reached the store for a while may: after the store was away, the others need time to come back, too. */
  async #giveUpSilent(): Promise<void> {
    const { timeoutMs } = this.options;
    if (this.#steadySince === undefined || performance.now() - this.#steadySince < timeoutMs * LOST_PART) return;
    const lost = await this.store.loseSilent(this.self.id, Math.round(timeoutMs * LOST_PART), async (transaction) =>
      this.jobs.addPlacements(transaction, await this.threads.unplaced(transaction)),
    );
    if (lost.length === 0) return;
    const names = this.#nodes.filter(({ id }) => lost.includes(id)).map(({ name }) => name);
    this.#logger.warn({ nodes: names }, 'gave up servers that are not heard of any more; their turns go on elsewhere');
    await this.store.endLocks(lost);
    this.#know(await this.store.list());
  }

  /** A connection that was cut off would be waited for much longer. */
  #within<Result>(work: Promise<Result>): Promise<Result> {
    return withTimeout(work, this.options.timeoutMs * BEAT_PART * 2, 'the store does not answer');
  }
}

// Over 250 lines because it holds every way to the server of a thread, and what is done when there is none.
import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNode } from '../../cluster/cluster-node.js';
import type { Jobs } from '../../cluster/jobs.js';
import { type CallOptions, PeerUnreachableError } from '../../cluster/peer-client.js';
import type { JsonValue } from '../../domain/harness-event.js';
import { asString } from '../../domain/json.js';
import type { McpServer } from '../../domain/mcp-server.js';
import { ServiceError } from '../../domain/service-error.js';
import type { StoreClock } from '../../storage/database/store-clock.js';
import type { BranchPoint, NewBranch } from '../../storage/stores/branch.store.js';
import type { Node } from '../../storage/stores/node.store.js';
import type { Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { TurnStore } from '../../storage/stores/turn.store.js';
import type { ServerLoad } from '../matching/admission.js';
import type { RunSlot } from '../running/run-queue.js';
import type { TurnRunner } from '../running/turn.runner.js';
import { chooseNode, takesThreads } from './choose-node.js';
import type { LocalThreadHost } from './local-thread-host.js';
import {
  type NewThreadPlace,
  type PlacedThread,
  type RememberingThread,
  type SpareRequest,
  ThreadHost,
} from './thread-host.js';
import type { ThreadSignals } from './thread-signals.js';

/** How long a thread's turns may take to end when their server cannot be told, and how often to look. */
const STOP_TIMEOUT_MS = 30_000;
const STOP_POLL_MS = 200;

/** Stopping a thread waits for its process, copying its files may take minutes. */
const STOP_CALL = { timeoutMs: 60_000 };
const COPY_CALL = { timeoutMs: 600_000 };

/** A thread does not wait for a spare process as long as it would for a new one. */
const CLAIM_TIMEOUT_MS = 250;

/** The names of the calls between servers. */
export const PEER_CALLS = {
  startEarly: 'start-early',
  claimSpare: 'claim-spare',
  releaseSpare: 'release-spare',
  submit: 'submit-turn',
  interrupt: 'interrupt-turn',
  stopThread: 'stop-thread',
  stopProcess: 'stop-process',
  removeFiles: 'remove-files',
  split: 'split-thread',
  remembers: 'remembers-thread',
  canSteer: 'can-steer',
  steer: 'steer-thread',
} as const;

type PeerCall = (typeof PEER_CALLS)[keyof typeof PEER_CALLS];

/** What the host uses. */
export interface ClusterHostServices {
  readonly cluster: ClusterNode;
  readonly local: LocalThreadHost;
  readonly runner: TurnRunner;
  readonly threads: ThreadStore;
  readonly turns: TurnStore;
  readonly jobs: Jobs;
  readonly signals: ThreadSignals;
  readonly clock: StoreClock;
  /** Whether any server can go on with a thread's files. */
  readonly filesMove: boolean;
}

/** Reaches the server that has a thread: this one, or another one of the same store. */
export class ClusterThreadHost extends ThreadHost {
  readonly #logger = new Logger('ThreadHost');
  /** How many threads were given to each server since `#known` was told; see {@link chooseNode}. */
  #placed = new Map<string, number>();
  #known: readonly Node[] = [];

  constructor(private readonly services: ClusterHostServices) {
    super();
  }

  override async readLoad(thread: Thread | undefined): Promise<ServerLoad> {
    const { cluster, runner, local } = this.services;
    const own = await local.readLoad();
    // A server that stops takes no requests, whoever would run them.
    if (runner.draining) return own;
    const held = thread?.node;
    if (held === cluster.self.id) return own;
    const node = cluster.findLiving(held);
    // One that was just stopped comes back, or its threads are placed elsewhere soon.
    if (node === undefined && held !== undefined && cluster.isAwaited(held))
      return { ...toLoad(undefined), isDraining: true };
    if (node !== undefined) return toLoad(node);
    if (this.#choose() === undefined) await cluster.refresh();
    const living = cluster.nodes.filter((each) => cluster.isLiving(each));
    const chosen = this.#choose();
    if (chosen?.id === cluster.self.id) return own;
    const isDiskLow = living.some(({ role, load }) => role !== 'gateway' && load.isDiskLow);
    return chosen === undefined && isDiskLow ? { ...toLoad(undefined), isDiskLow } : toLoad(chosen);
  }

  override async chooseForNew(spare: SpareRequest | undefined): Promise<NewThreadPlace> {
    const node = this.#take();
    if (node === undefined) return { node: undefined, spareId: undefined };
    if (this.#isHere(node.id)) return { ...(await this.services.local.chooseForNew(spare)), node: node.id };
    const hasSpares = (node.load.spares ?? 0) > 0;
    const claimed =
      hasSpares && spare !== undefined
        ? await this.#tryRemote(node.id, PEER_CALLS.claimSpare, spare, { timeoutMs: CLAIM_TIMEOUT_MS })
        : undefined;
    return { node: node.id, spareId: asString(claimed) };
  }

  override async releaseSpare(place: NewThreadPlace): Promise<void> {
    const { node, spareId } = place;
    if (spareId === undefined) return;
    if (this.#isHere(node)) await this.services.local.releaseSpare(place);
    else await this.#tryRemote(node, PEER_CALLS.releaseSpare, { spareId });
  }

  override async startEarly(thread: Thread): Promise<void> {
    if (this.#isHere(thread.node)) await this.services.local.startEarly(thread);
    else await this.#tryRemote(thread.node, PEER_CALLS.startEarly, { threadId: thread.id });
  }

  override async place(thread: Thread): Promise<PlacedThread> {
    const { cluster, threads, jobs } = this.services;
    if (
      cluster.findLiving(thread.node) !== undefined ||
      (thread.node !== undefined && cluster.isAwaited(thread.node))
    ) {
      return { thread, storedWith: undefined };
    }
    const chosen = this.#take();
    if (chosen !== undefined && (await threads.assign(thread.id, thread.node, chosen.id))) {
      return { thread: { ...thread, node: chosen.id, generation: thread.generation + 1 }, storedWith: undefined };
    }
    const current = await threads.nodeOf(thread.id);
    const placed = { ...thread, node: current?.node };
    // Whoever placed it meanwhile runs its turns; otherwise a job finds a server.
    if (cluster.findLiving(placed.node) !== undefined) return { thread: placed, storedWith: undefined };
    return { thread: placed, storedWith: (transaction) => jobs.addPlacements(transaction, [thread.id]) };
  }

  override reserveSlot(thread: Thread): RunSlot | undefined {
    return this.#isHere(thread.node) ? this.services.local.reserveSlot(thread) : undefined;
  }

  override async submit(thread: Thread, turn: Turn, mcpServers: readonly McpServer[] = []): Promise<void> {
    const { local, cluster, signals } = this.services;
    if (this.#isHere(thread.node)) {
      await local.submit(thread, turn, mcpServers);
      return;
    }
    signals.submitted(thread.id);
    const node = cluster.findLiving(thread.node);
    if (node === undefined) return;
    try {
      await this.#call(node, PEER_CALLS.submit, { turnId: turn.id, mcpServers });
    } catch (error) {
      // The turn is stored: its server finds it with the next heartbeat, or another one when that is given up.
      this.#logger.warn({ turnId: turn.id, err: error }, 'could not tell a server of a turn of its thread');
    }
  }

  override async interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    const { local, threads } = this.services;
    const holder = await threads.nodeOf(turn.threadId);
    const isDone = this.#isHere(holder?.node)
      ? await local.interrupt(turn)
      : await this.#tryRemote(holder?.node, PEER_CALLS.interrupt, { turnId: turn.id, threadId: turn.threadId });
    // It has not found the turn yet, or cannot be reached.
    return isDone === true || this.#interruptStored(turn);
  }

  override async stopThread(threadId: string): Promise<void> {
    const { local, threads, turns } = this.services;
    const holder = await threads.nodeOf(threadId);
    if (this.#isHere(holder?.node)) await local.stopThread(threadId);
    else await this.#tryRemote(holder?.node, PEER_CALLS.stopThread, { threadId }, STOP_CALL);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    for (;;) {
      const unfinished = await turns.unfinished(threadId);
      if (unfinished.length === 0) return;
      if (performance.now() > deadline) throw unavailable();
      for (const turn of unfinished) await this.#interruptStored(turn);
      await delay(STOP_POLL_MS);
    }
  }

  override async stopProcess(threadId: string): Promise<void> {
    if ((await this.#ask(threadId, PEER_CALLS.stopProcess, { threadId }, STOP_CALL)).isHere) {
      await this.services.local.stopProcess(threadId);
    }
  }

  override async removeFiles(threadId: string): Promise<void> {
    if ((await this.#ask(threadId, PEER_CALLS.removeFiles, { threadId }, STOP_CALL)).isHere) {
      await this.services.local.removeFiles(threadId);
    }
  }

  override async split(
    threadId: string,
    branch: NewBranch,
    point: Omit<BranchPoint, 'now'>,
    lastSequence: number,
  ): Promise<Thread> {
    const { local, threads } = this.services;
    const { fromSequence, metadata } = point;
    const body = { threadId, branch: { ...branch }, point: { fromSequence, metadata }, lastSequence };
    // A server that can fetch the files copies them.
    const known = await threads.byId(threadId);
    if (known !== undefined) await this.place(known);
    const asked = await this.#ask(threadId, PEER_CALLS.split, body, COPY_CALL);
    // Files on a server that is gone are gone with it: the branch has its turns alone.
    if (asked.isHere || asked.isNowhere) return local.split(threadId, branch, point, lastSequence);
    const thread = await threads.byId(threadId);
    if (thread === undefined) throw new Error(`there is no thread ${threadId}`);
    return thread;
  }

  override async remembers(thread: RememberingThread): Promise<boolean> {
    const { local, cluster } = this.services;
    if (this.#isHere(thread.node)) return local.remembers(thread);
    const node = cluster.findLiving(thread.node);
    // It comes back, or another server gets the files.
    if (node === undefined) return this.services.filesMove || cluster.isAwaited(thread.node);
    const { id, harness, sessionId } = thread;
    const body = { threadId: id, harness, sessionId: sessionId ?? null };
    return (await this.#tryRemote(node.id, PEER_CALLS.remembers, body)) !== false;
  }

  override async canSteer(threadId: string): Promise<boolean | undefined> {
    const { local, threads } = this.services;
    const holder = await threads.nodeOf(threadId);
    if (this.#isHere(holder?.node)) return local.canSteer(threadId);
    const answer = await this.#tryRemote(holder?.node, PEER_CALLS.canSteer, { threadId });
    return typeof answer === 'boolean' ? answer : undefined;
  }

  override async steer(threadId: string): Promise<void> {
    const { local, threads } = this.services;
    const holder = await threads.nodeOf(threadId);
    if (this.#isHere(holder?.node)) await local.steer(threadId);
    // The messages are stored, and the next turn hears them.
    else await this.#tryRemote(holder?.node, PEER_CALLS.steer, { threadId });
  }

  #choose(): Node | undefined {
    const { cluster } = this.services;
    if (this.#known !== cluster.nodes) this.#placed = new Map();
    this.#known = cluster.nodes;
    return chooseNode(
      cluster.nodes.filter((node) => cluster.isLiving(node)),
      cluster.self.id,
      this.#placed,
    );
  }

  /** Chooses a server for one more thread. */
  #take(): Node | undefined {
    const chosen = this.#choose();
    if (chosen !== undefined) this.#placed.set(chosen.id, (this.#placed.get(chosen.id) ?? 0) + 1);
    return chosen;
  }

  #isHere(node: string | undefined): boolean {
    return node === this.services.cluster.self.id;
  }

  async #interruptStored({ id }: Pick<Turn, 'id'>): Promise<boolean> {
    const { turns, clock } = this.services;
    const now = clock.now();
    return (await turns.cancelQueued(id, { now, failure: undefined })) || turns.requestInterrupt(id, now);
  }

  /** Calls the thread's server if that is another one and there is one. @throws ServiceError (`unavailable`) */
  async #ask(
    threadId: string,
    name: PeerCall,
    body: object,
    options: CallOptions,
  ): Promise<{ readonly isHere: boolean; readonly isNowhere: boolean }> {
    const { threads, cluster } = this.services;
    const holder = await threads.nodeOf(threadId);
    if (this.#isHere(holder?.node)) return { isHere: true, isNowhere: false };
    const node = cluster.findLiving(holder?.node);
    if (node === undefined) {
      if (holder?.node !== undefined && cluster.isAwaited(holder.node)) throw unavailable();
      return { isHere: false, isNowhere: true };
    }
    try {
      await this.#call(node, name, body, options);
    } catch (error) {
      if (error instanceof PeerUnreachableError) throw unavailable(error);
      throw error;
    }
    return { isHere: false, isNowhere: false };
  }

  /** The answer of a server; `undefined` when it cannot be reached. */
  async #tryRemote(
    nodeId: string | undefined,
    name: PeerCall,
    body: object,
    options: CallOptions = {},
  ): Promise<JsonValue | undefined> {
    const node = this.services.cluster.findLiving(nodeId);
    if (node === undefined) return undefined;
    try {
      return await this.#call(node, name, body, options);
    } catch (error) {
      if (!(error instanceof PeerUnreachableError)) throw error;
      this.#logger.warn({ node: node.name, call: name }, error.message);
      return undefined;
    }
  }

  #call({ url }: Node, name: PeerCall, body: object, options?: CallOptions): Promise<JsonValue> {
    return this.services.cluster.client.call(url, name, body, options);
  }
}

/** The load of another server; of none, that of one that is stopping: callers come back soon. */
function toLoad(node: Node | undefined): ServerLoad {
  if (node === undefined) return { isDraining: true, isFull: true, pendingTurns: 0, isDiskLow: false };
  const { running, pending, slots, isDiskLow } = node.load;
  return { isDraining: !takesThreads(node) && !isDiskLow, isFull: running >= slots, pendingTurns: pending, isDiskLow };
}

function unavailable(cause?: Error): ServiceError {
  const error = new ServiceError('unavailable', 'The server that has this thread cannot be reached.', {
    retryAfterSeconds: 5,
  });
  error.cause = cause;
  return error;
}

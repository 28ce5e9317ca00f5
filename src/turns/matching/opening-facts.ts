import { Injectable } from '@nestjs/common';
import { HarnessRegistry } from '../../harness/harness.registry.js';
import type { HarnessChoice } from '../../harness/models/route-model.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { CallerToolStore } from '../../storage/stores/caller-tool.store.js';
import { hasEnded, type TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { OtherCallers } from '../hosting/other-callers.js';
import type { OpenedTurn, TurnRequest } from '../turn-request.js';
import type { CallFacts } from './caller-results.js';
import { type OpeningFacts, rankRetried } from './classify.js';
import { hasSameOrigin } from './conversation-finder.js';
import type { SteeringFacts } from './steer-rules.js';
import { TurnCallers } from './turn-callers.js';

/** How long after its start the same request can retry a turn of an unnamed thread. */
const RETRY_WINDOW_MS = 3_600_000;

/** How long after its end an answer may be on its way to its caller, and its delivery to the store. */
const DELIVERY_MS = 10_000;

/** Reads the facts for {@link classify} from the store: two queries for a new turn on a known thread. */
@Injectable()
export class OpeningFactsReader {
  constructor(
    private readonly registry: HarnessRegistry,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly callers: TurnCallers,
    private readonly otherCallers: OtherCallers,
    private readonly calls: CallerToolStore,
    private readonly clock: StoreClock,
  ) {}

  /**
   * Reads the facts about a request, without the server's load and what it takes to steer.
   *
   * @param recentTurns how many of the thread's last turns to read.
   */
  async read(request: TurnRequest, recentTurns: number): Promise<Omit<OpeningFacts, 'load' | keyof SteeringFacts>> {
    const thread = await this.threads.find(request.tenant, request.threadKey);
    const stored = thread === undefined ? [] : await this.readRecent(thread, recentTurns);
    const nowMs = this.clock.now();
    const harness = this.findHarness(request, thread);
    const abilities = harness === undefined ? undefined : this.registry.find(harness.harness);
    return {
      thread,
      ...(await this.readCalls(request, thread, stored)),
      recent: this.callers.withDeliveries(stored, nowMs),
      sameRequest: request.attempt === 'first' ? undefined : await this.findSameRequest(request, thread),
      harness,
      takesCallerTools: abilities?.takesCallerTools === true,
      takesMcpServers: abilities?.takesMcpServers === true,
      needsTools: abilities?.needsTools === true,
      nowMs,
    };
  }

  /** Finds the turn of an unnamed thread that the request retries; see {@link rankRetried}. */
  async findRetried(request: TurnRequest): Promise<OpenedTurn | undefined> {
    const nowMs = this.clock.now();
    const readSame = async (): Promise<readonly TurnSummary[]> =>
      this.callers.withDeliveries(
        await this.turns.sameRequests(request.requestKey, request.idempotencyKey, nowMs - RETRY_WINDOW_MS),
        nowMs,
      );
    let same = await readSame();
    const others = same.length === 0 ? undefined : await this.otherCallers.settle(same.map(({ id }) => id));
    if (others !== undefined) same = await readSame();
    const count = (turnId: string): number => this.callers.count(turnId) + (others?.get(turnId) ?? 0);
    for (const { id, threadId } of rankRetried(request, same, count, nowMs)) {
      const thread = await this.threads.byId(threadId);
      if (thread === undefined || !hasSameOrigin(request, thread)) continue;
      const turn = await this.turns.byId(id);
      if (turn !== undefined) return { thread, turn, history: 'attached' };
    }
    return undefined;
  }

  /** The thread's last turns. What was just delivered through another server is read as delivered. */
  private async readRecent(thread: Thread, count: number): Promise<readonly TurnSummary[]> {
    const recent = await this.turns.lastTurnSummaries(thread.id, count);
    const since = this.clock.now() - DELIVERY_MS;
    const undelivered = recent.filter((turn) => turn.deliveredAt === undefined && (turn.endedAt ?? 0) > since);
    if (undelivered.length === 0) return recent;
    const others = await this.otherCallers.settle(undelivered.map(({ id }) => id));
    return others === undefined ? recent : this.turns.lastTurnSummaries(thread.id, count);
  }

  private async readCalls(
    { toolResults }: TurnRequest,
    thread: Thread | undefined,
    recent: readonly TurnSummary[],
  ): Promise<CallFacts> {
    if (thread === undefined) return { waitingCalls: [], closedCallIds: [] };
    // A queued turn goes on without the results, so that the agent does not wait for them any more.
    const isWaiting = thread.parkedTurnId !== undefined && recent.every(({ state }) => hasEnded(state));
    const waitingCalls = isWaiting ? await this.calls.ofTurn(thread.parkedTurnId) : [];
    const waiting = new Set(waitingCalls.map(({ id }) => id));
    const others = (toolResults?.results ?? []).map(({ callId }) => callId).filter((id) => !waiting.has(id));
    return { waitingCalls, closedCallIds: await this.calls.findKnown(thread.id, others) };
  }

  private async findSameRequest(
    request: TurnRequest,
    thread: Thread | undefined,
  ): Promise<OpeningFacts['sameRequest']> {
    if (thread === undefined) return request.isFreshThread ? this.findRetried(request) : undefined;
    if (request.idempotencyKey === undefined) return undefined;
    const turn = await this.turns.byIdempotencyKey(thread.id, request.idempotencyKey);
    return turn === undefined ? undefined : { thread, turn };
  }

  private findHarness(
    { model, isFreshThread, isSideRequest }: TurnRequest,
    thread: Thread | undefined,
  ): HarnessChoice | undefined {
    if (thread === undefined)
      return isFreshThread && isSideRequest ? this.registry.routeWithoutTools(model) : this.registry.route(model);
    return this.registry.serves(thread.harness) ? { harness: thread.harness, model: thread.harnessModel } : undefined;
  }
}

// Over 250 lines because it holds every step from a request to its turn.
import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { defer, Observable, of } from 'rxjs';
import { AppConfig } from '../config/app-config.js';
import type { HarnessEvent } from '../domain/harness-event.js';
import type { HarnessChoice } from '../harness/models/route-model.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { AuditStore, toInterruption } from '../storage/stores/audit.store.js';
import { EventLog, type Backpressure } from '../storage/event-log/event-log.js';
import { toToolSet } from '../storage/stores/caller-tool.store.js';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import { hasEnded, type Turn, type TurnSummary } from '../storage/stores/turn.js';
import { AlreadyHeardError, type StoredWith, TurnStore } from '../storage/stores/turn.store.js';
import { assertPermitted } from '../domain/policy/permissions.js';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import { ServiceError } from '../domain/service-error.js';
import { classify, type OpeningFacts } from './matching/classify.js';
import { logReplacedModel } from './answered-model.js';
import { EndingReader } from './running/ending-reader.js';
import { toFallbackEnd, SERVER_RESTARTING } from './running/fallback-end.js';
import { readCut } from './history/branch.js';
import { HistoryService } from './history/history.service.js';
import { TurnFiles } from './files/turn-files.js';
import { MeanwhileReader } from './history/meanwhile-reader.js';
import { KeyLock, toLockKey } from './key-lock.js';
import { isHistoryLost, toStoredRequest } from './running/input/stored-request.js';
import { ConversationFinder } from './matching/conversation-finder.js';
import { rebuildEvents } from './message-events.js';
import { createMessageId } from './message-id.js';
import { toNewThread, toSpareRequest } from './new-thread.js';
import { OpeningFactsReader } from './matching/opening-facts.js';
import { findNamedThread, isNamed, toAskedWork } from './matching/asked-work.js';
import { PolicyAdmission, storedWithAll } from './matching/policy-admission.js';
import { toServiceError } from './matching/refusals.js';
import { selectInput, type TurnInput } from './matching/caller-results.js';
import { TurnCallers } from './matching/turn-callers.js';
import { RequestSteering, type SteeredRequest } from './steering/request-steering.js';
import type { HistoryOutcome, OpenedTurn, TurnRequest } from './turn-request.js';
import { areAllFailed, type AgentSeed } from './memory/thread-memory.js';
import { ThreadHost } from './hosting/thread-host.js';
import { TurnRunner } from './running/turn.runner.js';

/** The facts that attaching needs. */
type Facts = Pick<OpeningFacts, 'sameRequest' | 'thread'>;

/** Describes how a request was matched with its thread: its outcome, or `lost` if the agent's own record of the thread was gone. */
export function describeHistory({ turn, history }: OpenedTurn): HistoryOutcome | 'lost' {
  return isHistoryLost(turn) ? 'lost' : history;
}

/** Opens turns for requests and lets callers watch them. A caller watches a turn; it does not own it. */
@Injectable()
export class TurnService {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly log: EventLog,
    private readonly runner: TurnRunner,
    private readonly host: ThreadHost,
    private readonly clock: StoreClock,
    private readonly lock: KeyLock,
    private readonly conversations: ConversationFinder,
    private readonly histories: HistoryService,
    private readonly meanwhile: MeanwhileReader,
    private readonly facts: OpeningFactsReader,
    private readonly callers: TurnCallers,
    private readonly requests: RequestSteering,
    private readonly admission: PolicyAdmission,
    private readonly audit: AuditStore,
    private readonly files: TurnFiles,
  ) {}

  /**
   * Returns the turn of a request: an existing one, or a new one that is stored before this resolves. The caller counts as waiting
   * until {@link leave}.
   *
   * @throws ServiceError if the request is refused; no turn is stored then.
   */
  async open(request: TurnRequest): Promise<OpenedTurn> {
    // Before the lookup by conversation, which another of several identical turns may have continued.
    const retried = request.attempt === 'retry' ? await this.retryUnderLock(request) : undefined;
    if (retried !== undefined) return retried;
    const continuesFrom = request.continuesFrom ?? (await this.conversations.find(request));
    const continued =
      continuesFrom === undefined
        ? undefined
        : await this.openUnderLock({
            ...request,
            continuesFrom,
            threadKey: continuesFrom.thread.key,
            isFreshThread: false,
            hasHistory: true,
          });
    const opened = continued ?? (await this.openUnderLock(toBranch(request)));
    if (opened !== undefined) return opened;
    throw new Error('unreachable: a request without a continuation point was not opened');
  }

  /**
   * Reads the events of a turn from the first one: a replay of the log, then live events. Cold. Once the log is pruned, the events are
   * rebuilt from the stored message. The last event is always the turn's end.
   *
   * Completes after the end. Errors if the store cannot be read. Unsubscribing does not affect the turn.
   *
   * @param backpressure signals to the log when the reader can accept more.
   * @param replay replaces the log so far for a reader that joins after an attempt died; by default the blocks that it did not finish are dropped.
   */
  read(
    { turn }: OpenedTurn,
    backpressure?: Backpressure,
    replay?: (events: readonly HarnessEvent[]) => readonly HarnessEvent[],
  ): Observable<readonly HarnessEvent[]> {
    if (turn.eventsPrunedAt !== undefined) return of(rebuildEvents(turn));
    return new Observable((subscriber) => {
      const reader = new EndingReader(subscriber, this, turn.id);
      subscriber.add(this.log.follow(turn.id, reader, backpressure, replay));
    });
  }

  /** Records that the caller of an opened turn has received the complete answer. */
  delivered(opened: OpenedTurn): Promise<void> {
    return this.callers.delivered(opened);
  }

  /** Call when the caller of an opened turn has its answer or has disconnected. */
  leave(opened: OpenedTurn): void {
    this.callers.leave(opened);
  }

  /** Interrupts a turn whose caller has enough, as at a stop sequence. Its end is logged like any other. */
  async stop({ turn }: OpenedTurn): Promise<void> {
    await this.host.interrupt(turn);
  }

  /**
   * Interrupts the turn that answers with this message. False if it has ended. @throws ServiceError as {@link find}, and `forbidden`
   *
   * @param actor who asks for it, for the audit log.
   */
  async cancel(tenant: string, messageId: string, policies: AppliedPolicies, actor: string): Promise<boolean> {
    const { thread, turn } = await this.find(tenant, messageId);
    assertPermitted(policies, { threadKey: isNamed(thread) ? thread.key : undefined });
    if (hasEnded(turn.state)) return false;
    await this.audit.record(toInterruption(thread, turn, actor, this.clock.now()));
    return this.host.interrupt(turn);
  }

  /** Finds the turn that answers with this message, for reading only. @throws ServiceError (`not_found`) if the tenant has none. */
  async find(tenant: string, messageId: string): Promise<OpenedTurn> {
    const turn = await this.turns.byMessageId(messageId);
    const thread = turn === undefined ? undefined : await this.threads.byId(turn.threadId);
    if (turn === undefined || thread?.tenant !== tenant) {
      throw new ServiceError('not_found', 'No turn found for this message id.');
    }
    return { thread, turn, history: 'attached' };
  }

  private async openUnderLock(request: TurnRequest): Promise<OpenedTurn | undefined> {
    // Retries of a request without a thread can only be found by its content.
    const name = request.isFreshThread ? request.requestKey : request.threadKey;
    let steered: SteeredRequest | undefined;
    for (;;) {
      try {
        const opened = await this.openAndEnter(request.tenant, name, () => this.openLocked(request, steered));
        if (opened === undefined || 'turn' in opened) return opened;
        // Not under the lock: a long tool call of the agent may be in between.
        if (await this.requests.waitUntilHeard(opened)) return await this.attachHeard(opened);
        steered = opened;
      } catch (error) {
        // A queued turn started meanwhile, and has the message.
        if (!(error instanceof AlreadyHeardError)) throw error;
      }
    }
  }

  private async attachHeard({ threadId, turnId, messageId }: SteeredRequest): Promise<OpenedTurn | undefined> {
    const [thread, turn] = [await this.threads.byId(threadId), await this.turns.byId(turnId)];
    if (thread === undefined || turn === undefined) return undefined;
    const opened: OpenedTurn = { thread, turn, messageId, history: 'attached' };
    this.callers.enter(opened);
    return opened;
  }

  private retryUnderLock(request: TurnRequest): Promise<OpenedTurn | undefined> {
    return this.openAndEnter(request.tenant, request.requestKey, () => this.facts.findRetried(request));
  }

  /** Counts the caller within the lock, so that the next of several retries attaches to another turn. */
  private openAndEnter<Opened extends OpenedTurn | SteeredRequest>(
    tenant: string,
    name: string,
    open: () => Promise<Opened | undefined>,
  ): Promise<Opened | undefined> {
    return this.lock.run(toLockKey(tenant, name), async () => {
      const opened = await open();
      if (opened !== undefined && 'turn' in opened) this.callers.enter(opened);
      return opened;
    });
  }

  /**
   * Returns `undefined` if the thread that matched the request has continued differently.
   *
   * @param before the turn that ended without hearing the message of this request.
   */
  private async openLocked(
    request: TurnRequest,
    before: SteeredRequest | undefined,
  ): Promise<OpenedTurn | SteeredRequest | undefined> {
    assertPermitted(request.policies, { threadKey: findNamedThread(request) });
    // The running turn, the queued ones, and the last one that has ended.
    const read = await this.facts.read(request, this.config.maxQueuedPerThread + 2);
    const policy = { ...this.config, onBusy: request.onBusy ?? this.config.onBusy };
    const facts = { ...read, ...(await this.requests.readFacts(request, read.thread, before)) };
    // It is certain that this is no other message with the same words.
    if (before !== undefined && facts.steered?.isHeard === true)
      return this.attach({ turnId: facts.steered.turnId, messageId: facts.steered.id }, facts);
    const decision = classify(request, { ...facts, load: await this.host.readLoad(facts.thread) }, policy);
    const branch = await this.histories.findBranch(decision, request, facts);
    if (branch !== undefined)
      return this.lock.run(toLockKey(request.tenant, branch.key), () =>
        this.openLocked({ ...request, threadKey: branch.key }, before),
      );
    switch (decision.kind) {
      case 'attach':
        return this.attach(decision, facts);
      case 'fork':
        return undefined;
      case 'refuse':
        throw toServiceError(decision.refusal);
      case 'new':
      case 'continue':
      case 'queue': {
        await this.admission.admit(request.policies, toAskedWork(decision));
        const input = selectInput(request, facts);
        await this.files.check(request.tenant, input);
        return this.begin(request, input, decision, facts);
      }
      case 'steer':
        assertPermitted(request.policies, toAskedWork(decision));
        return this.requests.hand(request, decision, facts.steered);
      case 'interrupt': {
        const ending = decision.turns.map(({ id }) => id);
        await this.admission.admit(request.policies, toAskedWork(decision), ending);
        const input = selectInput(request, facts);
        await this.files.check(request.tenant, input);
        for (const turn of decision.turns) await this.host.interrupt(turn);
        return this.begin(request, input, decision, facts, ending);
      }
      default:
        return decision satisfies never;
    }
  }

  private async attach(
    { turnId, messageId }: { readonly turnId: string | undefined; readonly messageId?: string },
    { sameRequest, thread }: Facts,
  ): Promise<OpenedTurn | undefined> {
    if (sameRequest !== undefined && sameRequest.turn.id === turnId) return { ...sameRequest, history: 'attached' };
    const turn = turnId === undefined ? undefined : await this.turns.byId(turnId);
    if (thread === undefined || turn === undefined) return undefined;
    return { thread, turn, history: 'attached', ...(messageId === undefined ? {} : { messageId }) };
  }

  /**
   * Stores a new turn of a new or existing thread. What refuses a request comes before: a thread without a turn would remain.
   *
   * @param ending turns that were interrupted to make room for it
   */
  private async begin(
    request: TurnRequest,
    input: TurnInput,
    decision: { readonly kind: 'new'; readonly harness: HarnessChoice } | { readonly thread: Thread },
    { recent, steered }: Pick<OpeningFacts, 'recent' | 'steered'>,
    ending: readonly string[] = [],
  ): Promise<OpenedTurn> {
    // Results continue the agent's own call, whatever the history says.
    const matched = input.results.length > 0 ? { ...request, chain: undefined } : request;
    const prepared = await this.histories.prepare(matched, 'thread' in decision ? decision.thread : undefined, recent);
    const thread =
      'thread' in decision
        ? await this.withSystemPrompt(prepared.thread ?? decision.thread, request, prepared.recent)
        : await this.createThread(request, decision.harness, prepared.seed);
    // The message that was stored for a turn, which ended without hearing it, is that of this request.
    const repeats = steered === undefined || steered.isHeard ? [] : [steered.id];
    const storedWith = this.admission.storedWith(request.policies, ending);
    const meanwhile = await this.meanwhile.read(request, prepared.thread, prepared.recent);
    const started = this.startTurn(thread, request, { ...input, repeats, meanwhile }, prepared.seed, storedWith);
    const turn = await ('thread' in decision ? started : this.orRemove(thread, started));
    return this.histories.report({ thread, turn, history: prepared.outcome });
  }

  /** Removes a thread that was just made when its first turn is refused after all: another request took the last slot of the caller. */
  private async orRemove(thread: Thread, started: Promise<Turn>): Promise<Turn> {
    try {
      return await started;
    } catch (error) {
      if (error instanceof ServiceError) {
        await this.threads.removeUnstarted(thread.id);
        await this.host.releaseSpare({ node: thread.node, spareId: thread.id });
      }
      throw error;
    }
  }

  private async startTurn(
    opened: Thread,
    request: TurnRequest,
    {
      repeats,
      meanwhile,
      ...asked
    }: TurnInput & { readonly repeats: readonly string[]; readonly meanwhile: string | undefined },
    seed: AgentSeed,
    admittedWith: StoredWith | undefined,
  ): Promise<Turn> {
    const id = randomUUID();
    const given = await this.files.describe(request.tenant, { input: asked, opening: seed });
    const { opening, input } = given;
    const { prompt, results } = input;
    const keepsFiles = this.files.storedWith(request.tenant, id, given);
    const { thread, storedWith } = await this.host.place(opened);
    const slot = this.host.reserveSlot(thread);
    const toolSet = request.callerTools === undefined ? undefined : toToolSet(request.callerTools);
    try {
      const { turn } = await this.turns.create(
        {
          id,
          messageId: createMessageId(),
          threadId: thread.id,
          requestKey: request.requestKey,
          promptKey: request.chain?.promptKey,
          afterSequence: readCut(thread)?.lastSequence,
          idempotencyKey: request.idempotencyKey,
          caller: request.caller,
          maker: request.user ?? '',
          billedTo: request.billedTo,
          prompt: opening.prompt ?? prompt,
          repeats,
          request: toStoredRequest(thread, { ...request, results, toolSetId: toolSet?.id, meanwhile }, opening),
          createdAt: this.clock.now(),
          ...(toolSet === undefined ? {} : { toolSet }),
        },
        slot?.claimant,
        storedWithAll(storedWith, admittedWith, keepsFiles),
      );
      await this.host.submit(thread, turn, request.mcpServers);
      return turn;
    } finally {
      slot?.release();
    }
  }

  private async createThread(request: TurnRequest, choice: HarnessChoice, opening: AgentSeed): Promise<Thread> {
    const { thread, created } = await this.host.makeThread(
      toSpareRequest(request, choice.harness, opening.seed),
      (place) => this.threads.findOrCreate(toNewThread(request, choice, this.clock.now(), place)),
    );
    if (created) logReplacedModel(thread);
    return thread;
  }

  /** The first answered request fixes the system prompt: one that was refused for its length would fail every later turn. */
  private async withSystemPrompt(
    thread: Thread,
    request: TurnRequest,
    recent: readonly TurnSummary[],
  ): Promise<Thread> {
    if (thread.systemPrompt === request.systemPrompt || !areAllFailed(recent)) return thread;
    await this.host.stopThread(thread.id);
    return this.threads.setSystemPrompt(thread, request.systemPrompt);
  }

  /** Makes the end for readers of a turn whose log has no end. */
  ending(turnId: string): Observable<readonly HarnessEvent[]> {
    return this.runner.draining
      ? of([SERVER_RESTARTING])
      : defer(async () => [toFallbackEnd(await this.turns.byId(turnId))]);
  }
}

/** A request that did not get the next turn after the answer that it names begins a thread. */
function toBranch(request: TurnRequest): TurnRequest {
  const { branch } = request;
  return branch === undefined ? request : { ...request, ...branch, continuesFrom: undefined, isFreshThread: true };
}

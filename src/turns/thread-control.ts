import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../config/app-config.js';
import type { CallerToolResult } from '../domain/caller-tool.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { HarnessName } from '../harness/harness.js';
import { modelOf } from '../domain/policy/permissions.js';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import type { Prompt } from '../domain/prompt.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { AuditStore, toInterruption } from '../storage/stores/audit.store.js';
import { CallerToolStore } from '../storage/stores/caller-tool.store.js';
import { SessionMessageStore } from '../storage/stores/session-message.store.js';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import { type BilledTo, hasEnded, type Turn } from '../storage/stores/turn.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import type { UserMessage } from '../storage/stores/user-message.js';
import { refuseResults } from './matching/caller-results.js';
import { readCut } from './history/branch.js';
import { refuseForLoad } from './matching/admission.js';
import { PolicyAdmission, storedWithAll } from './matching/policy-admission.js';
import { toServiceError } from './matching/refusals.js';
import { KeyLock, toLockKey } from './key-lock.js';
import { readOutputSchema, readToolSetId, toStoredRequest } from './running/input/stored-request.js';
import { createMessageId } from './message-id.js';
import { ThreadMemory } from './memory/thread-memory.js';
import { ThreadHost } from './hosting/thread-host.js';
import { ThreadSignals } from './hosting/thread-signals.js';

/** Input for a thread that is meant as it is: never a retry of an earlier one, but for its idempotency key. */
export interface ExecuteRequest {
  readonly idempotencyKey: string | undefined;
  /** What kind of caller asks. */
  readonly caller: string;
  readonly billedTo: BilledTo;
  /** The policies that bind the caller. */
  readonly policies: AppliedPolicies;
  /** Kept with the turn. `maxDuration` in it, in milliseconds, is the turn's own time limit. */
  readonly request: JsonObject;
  /** The header of this name, if the request has one. */
  readonly traceparent?: string | undefined;
  /**
   * Makes the input, when it is certain that a turn will start. The turn hears the stored messages too, except those that the input
   * repeats. What it throws ends the call.
   */
  input(stored: readonly UserMessage[]): ExecutionInput;
  /** Results for the calls of the caller's tools with which a turn ended; absent for a message. */
  readonly answer?: { readonly turnId: string; readonly results: readonly CallerToolResult[] };
}

/** What a turn gets besides the stored messages of its thread. */
export interface ExecutionInput {
  /** Empty only if there are stored messages, or with an `answer`. */
  readonly prompt: Prompt;
  /** Ids of stored messages whose words are in the prompt. */
  readonly repeats: readonly string[];
  /** The model of this turn and the later ones, which the thread's harness knows; absent to keep the thread's. */
  readonly model?: string | undefined;
  /** What is not done as the input asks, in sentences for the user; see `readWarnings`. */
  readonly warnings?: readonly string[];
}

/** What became of an execution: a new turn, the one that the key started before, or none as another one is going on. */
export type ExecuteResult =
  | { readonly kind: 'started' | 'known' | 'busy'; readonly turn: Turn }
  | { readonly kind: 'no-thread' }
  /** The calls of the answered turn do not wait (any more). */
  | { readonly kind: 'not-waiting' };

/** Drives threads by hand: for those who know which thread they mean, and want one turn of it at a time. */
@Injectable()
export class ThreadControl {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
    private readonly host: ThreadHost,
    private readonly signals: ThreadSignals,
    private readonly clock: StoreClock,
    private readonly lock: KeyLock,
    private readonly memory: ThreadMemory,
    private readonly calls: CallerToolStore,
    private readonly admission: PolicyAdmission,
    private readonly audit: AuditStore,
  ) {}

  /**
   * Starts a turn, stored before this resolves, unless the thread has one that is queued or running.
   *
   * @throws ServiceError when the server takes no new turns on, the policies of the caller do not allow it, or the answer does not have a result for each call, and what `input`
   *   throws; no turn is left then.
   */
  execute(thread: Thread, execution: ExecuteRequest): Promise<ExecuteResult> {
    return this.withThreadLock(thread, async () => {
      // It may have been removed, or given another harness, while this waited for the lock.
      const current = await this.threads.byId(thread.id);
      if (current === undefined) return { kind: 'no-thread' };
      const { idempotencyKey, caller, billedTo, policies, request, traceparent } = execution;
      const known =
        idempotencyKey === undefined ? undefined : await this.turns.byIdempotencyKey(thread.id, idempotencyKey);
      if (known !== undefined) return { kind: 'known', turn: known };
      const active = await this.active(thread.id);
      if (active !== undefined) return { kind: 'busy', turn: active };
      const { answer } = execution;
      if (answer !== undefined && current.parkedTurnId !== answer.turnId) return { kind: 'not-waiting' };
      const answered = answer === undefined ? {} : await this.readAnswer(answer);
      const refusal = refuseForLoad(await this.host.readLoad(current), this.config.maxWaitingTurns);
      if (refusal !== undefined) throw toServiceError(refusal);
      const { prompt, repeats, model, warnings } = execution.input(await this.messages.stored(thread.id));
      const { harness } = current;
      await this.admission.admit(policies, { harness, model: modelOf(harness, model ?? current.harnessModel) });
      const recent = await this.turns.lastTurnSummaries(current.id, this.config.maxQueuedPerThread + 2);
      const opening = await this.memory.prepareSeed(current, {}, recent);
      const { thread: placed, storedWith } = await this.host.place(current);
      const used = model === undefined ? placed : await this.switchModel(placed, model);
      const newTurn = {
        id: randomUUID(),
        messageId: createMessageId(),
        threadId: thread.id,
        requestKey: randomUUID(),
        idempotencyKey,
        caller,
        maker: '',
        billedTo,
        prompt,
        repeats,
        request: { ...request, ...toStoredRequest(used, { ...answered, policies, warnings, traceparent }, opening) },
        afterSequence: readCut(current)?.lastSequence,
        createdAt: this.clock.now(),
      };
      const { turn } = await this.turns.create(
        newTurn,
        undefined,
        storedWithAll(storedWith, this.admission.storedWith(policies)),
      );
      await this.host.submit(used, turn);
      return { kind: 'started', turn };
    });
  }

  /** Interrupts the turn that runs, or that is the next to run, for this actor of the audit log. Gives it; `undefined` when there was none. */
  async interrupt(thread: Thread, actor: string): Promise<Turn | undefined> {
    const turn = await this.active(thread.id);
    if (turn === undefined) return undefined;
    await this.audit.record(toInterruption(thread, turn, actor, this.clock.now()));
    return (await this.host.interrupt(turn)) ? turn : undefined;
  }

  /** Stops what the thread does and gives it another harness, in the same workspace. `undefined` when there is no such thread any more. */
  switchHarness(thread: Thread, harness: HarnessName): Promise<Thread | undefined> {
    return this.withThreadLock(thread, async () => {
      await this.host.stopThread(thread.id);
      const switched = await this.threads.switchHarness(thread.id, {
        harness,
        harnessModel: undefined,
        now: this.clock.now(),
      });
      const current = await this.threads.byId(thread.id);
      if (current !== undefined && !switched) throw new Error(`thread ${thread.id} still runs after it was stopped`);
      return current;
    });
  }

  /**
   * Stops what the thread does, ends its process and removes its folders, its turns and itself. When this rejects, some of it
   * may be left; it can be tried again.
   *
   * @param actor who asked for it, for the audit log; absent for the server itself.
   */
  remove(thread: Thread, actor?: string): Promise<void> {
    return this.withThreadLock(thread, () => this.removeUnderLock(thread, actor));
  }

  /**
   * The same, unless the thread has changed since `before` (milliseconds since the epoch) or has a turn that runs or is queued; then
   * this resolves to false.
   */
  removeUnused(thread: Thread, before: number): Promise<boolean> {
    return this.withThreadLock(thread, async () => {
      const unused = await this.threads.listUnused(before, 1, thread.id);
      if (unused.length > 0) await this.removeUnderLock(thread);
      return unused.length > 0;
    });
  }

  /** Runs a task while no turn of the thread is opened and none of the calls above goes on. Settles as the task does. */
  withThreadLock<Result>(thread: Thread, task: () => Promise<Result>): Promise<Result> {
    return this.lock.run(toLockKey(thread.tenant, thread.key), task);
  }

  private async removeUnderLock({ id }: Thread, actor?: string): Promise<void> {
    await this.host.stopThread(id);
    await this.host.removeFiles(id);
    await this.threads.remove(id, actor);
    this.signals.removed(id);
  }

  /** Gives an idle thread another model: the next turn resumes its conversation in a new process. */
  private async switchModel(thread: Thread, model: string): Promise<Thread> {
    if (thread.harnessModel === model) return thread;
    await this.host.stopProcess(thread.id);
    return this.threads.setModel(thread, model);
  }

  /** Checks an answer, and adds what the agent could use in the turn that it answers. */
  private async readAnswer({
    turnId,
    results,
  }: NonNullable<ExecuteRequest['answer']>): Promise<Parameters<typeof toStoredRequest>[1]> {
    const waitingCalls = await this.calls.ofTurn(turnId);
    const given = { prompt: [], toolResults: { results, promptBeside: [] } };
    const refusal = refuseResults(given, { waitingCalls, closedCallIds: [] });
    if (refusal !== undefined) throw toServiceError(refusal);
    const turn = await this.turns.byId(turnId);
    if (turn === undefined) return { results };
    return { results, toolSetId: readToolSetId(turn), outputSchema: readOutputSchema(turn) };
  }

  private async active(threadId: string): Promise<Turn | undefined> {
    const newest = await this.turns.lastTurns(threadId, this.config.maxQueuedPerThread + 2);
    return newest.findLast((turn) => !hasEnded(turn.state));
  }
}

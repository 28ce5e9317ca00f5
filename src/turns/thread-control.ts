import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type Observable, Subject } from 'rxjs';
import { AppConfig } from '../config/app-config.js';
import type { JsonObject } from '../domain/harness-event.js';
import { HarnessGateway } from '../harness/harness.gateway.js';
import type { HarnessName } from '../harness/harness.js';
import type { Prompt } from '../domain/prompt.js';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import { hasEnded, type Turn } from '../storage/stores/turn.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { readCut } from './history/branch.js';
import { readLoad, refuseForLoad } from './matching/admission.js';
import { toServiceError } from './matching/refusals.js';
import { KeyLock, toLockKey } from './key-lock.js';
import { toStoredRequest } from './running/stored-request.js';
import { createMessageId } from './message-id.js';
import { ThreadMemory } from './memory/thread-memory.js';
import { TurnRunner } from './running/turn.runner.js';

/** Input for a thread that is meant as it is: never a retry of an earlier one, but for its idempotency key. */
export interface ExecuteRequest {
  readonly idempotencyKey: string | undefined;
  /** What kind of caller asks. */
  readonly caller: string;
  /** Kept with the turn. `maxDuration` in it, in milliseconds, is the turn's own time limit. */
  readonly request: JsonObject;
  /** The input, made when it is certain that a turn will start. What it throws ends the call. */
  prompt(): Promise<Prompt>;
}

/** What became of an execution: a new turn, the one that the key started before, or none as another one is going on. */
export type ExecuteResult =
  { readonly kind: 'started' | 'known' | 'busy'; readonly turn: Turn } | { readonly kind: 'no-thread' };

/** Drives threads by hand: for those who know which thread they mean, and want one turn of it at a time. */
@Injectable()
export class ThreadControl {
  readonly #removed$ = new Subject<string>();

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly runner: TurnRunner,
    private readonly gateway: HarnessGateway,
    private readonly lock: KeyLock,
    private readonly memory: ThreadMemory,
  ) {}

  /** The id of each thread that is removed, from now on. Never completes. */
  get removed$(): Observable<string> {
    return this.#removed$;
  }

  /**
   * Starts a turn, stored before this resolves, unless the thread has one that is queued or running.
   *
   * @throws ServiceError when the server takes no new turns on, and what `prompt` throws; no turn is left then.
   */
  execute(thread: Thread, execution: ExecuteRequest): Promise<ExecuteResult> {
    return this.withThreadLock(thread, async () => {
      // It may have been removed, or given another harness, while this waited for the lock.
      const current = await this.threads.byId(thread.id);
      if (current === undefined) return { kind: 'no-thread' };
      const { idempotencyKey, caller, request } = execution;
      const known =
        idempotencyKey === undefined ? undefined : await this.turns.byIdempotencyKey(thread.id, idempotencyKey);
      if (known !== undefined) return { kind: 'known', turn: known };
      const active = await this.active(thread.id);
      if (active !== undefined) return { kind: 'busy', turn: active };
      const refusal = refuseForLoad(readLoad(this.runner), this.config.maxWaitingTurns);
      if (refusal !== undefined) throw toServiceError(refusal);
      const recent = await this.turns.lastTurnSummaries(current.id, this.config.maxQueuedPerThread + 2);
      const opening = await this.memory.prepareSeed(current, {}, recent);
      const { turn } = await this.turns.create({
        id: randomUUID(),
        messageId: createMessageId(),
        threadId: thread.id,
        requestKey: randomUUID(),
        idempotencyKey,
        caller,
        prompt: await execution.prompt(),
        request: { ...request, ...toStoredRequest(current, {}, opening) },
        afterSequence: readCut(current)?.lastSequence,
        createdAt: Date.now(),
      });
      this.runner.submit(current, turn);
      return { kind: 'started', turn };
    });
  }

  /** Interrupts the turn that runs, or that is the next to run. Gives it; `undefined` when there was none. */
  async interrupt(thread: Thread): Promise<Turn | undefined> {
    const turn = await this.active(thread.id);
    return turn !== undefined && (await this.runner.interrupt(turn)) ? turn : undefined;
  }

  /** Stops what the thread does and gives it another harness, in the same workspace. `undefined` when there is no such thread any more. */
  switchHarness(thread: Thread, harness: HarnessName): Promise<Thread | undefined> {
    return this.withThreadLock(thread, async () => {
      await this.runner.stopThread(thread.id);
      const switched = await this.threads.switchHarness(thread.id, {
        harness,
        harnessModel: undefined,
        now: Date.now(),
      });
      const current = await this.threads.byId(thread.id);
      if (current !== undefined && !switched) throw new Error(`thread ${thread.id} still runs after it was stopped`);
      return current;
    });
  }

  /**
   * Stops what the thread does, ends its process and removes its folders, its turns and itself. When this rejects, some of it
   * may be left; it can be tried again.
   */
  remove(thread: Thread): Promise<void> {
    return this.withThreadLock(thread, async () => {
      await this.runner.stopThread(thread.id);
      await this.gateway.remove(thread.id);
      await this.threads.remove(thread.id);
      this.#removed$.next(thread.id);
    });
  }

  /** Runs a task while no turn of the thread is opened and none of the calls above goes on. Settles as the task does. */
  withThreadLock<Result>(thread: Thread, task: () => Promise<Result>): Promise<Result> {
    return this.lock.run(toLockKey(thread.tenant, thread.key), task);
  }

  private async active(threadId: string): Promise<Turn | undefined> {
    const newest = await this.turns.lastTurns(threadId, this.config.maxQueuedPerThread + 2);
    return newest.findLast((turn) => !hasEnded(turn.state));
  }
}

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
import { readLoad, refuseForLoad } from './matching/admission.js';
import { toServiceError } from './matching/refusals.js';
import { KeyLock, lockKey } from './key-lock.js';
import { storedRequest } from './running/stored-request.js';
import { newMessageId } from './message-id.js';
import { ThreadMemory } from './memory/thread-memory.js';
import { TurnRunner } from './running/turn.runner.js';

/** Input for a thread. It is a retry only by its idempotency key, never by its content. */
export interface ExecuteRequest {
  readonly idempotencyKey: string | undefined;
  /** The kind of caller. */
  readonly caller: string;
  /** Stored with the turn. Its `maxDuration`, in milliseconds, is the turn's own time limit. */
  readonly request: JsonObject;
  /** Makes the input once it is certain that a turn will start. Its errors reject the call. */
  prompt(): Promise<Prompt>;
}

/** The result of an execution: a new turn, the turn that the same key started, or the unfinished turn that blocks it. */
export type ExecuteResult =
  { readonly kind: 'started' | 'known' | 'busy'; readonly turn: Turn } | { readonly kind: 'no-thread' };

/** Controls threads for callers that name the thread and run one turn at a time. */
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

  /** Emits the id of each thread that is removed from now on. Never completes. */
  get removed$(): Observable<string> {
    return this.#removed$;
  }

  /**
   * Starts a turn, stored before this resolves, unless the thread has a queued or running one.
   *
   * @throws ServiceError if the server accepts no new turns, and whatever `prompt` throws; no turn is stored then.
   */
  execute(thread: Thread, execution: ExecuteRequest): Promise<ExecuteResult> {
    return this.withThreadLock(thread, async () => {
      // The thread may have been removed or switched to another harness while this waited for the lock.
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
      const opening = await this.memory.prepareSeed(current);
      const { turn } = await this.turns.create({
        id: randomUUID(),
        messageId: newMessageId(),
        threadId: thread.id,
        requestKey: randomUUID(),
        idempotencyKey,
        caller,
        prompt: await execution.prompt(),
        request: { ...request, ...storedRequest(current, {}, opening) },
        createdAt: Date.now(),
      });
      this.runner.submit(current, turn);
      return { kind: 'started', turn };
    });
  }

  /** Interrupts the running turn, or else the next one, and returns it; `undefined` if there is none. */
  async interrupt(thread: Thread): Promise<Turn | undefined> {
    const turn = await this.active(thread.id);
    return turn !== undefined && (await this.runner.interrupt(turn)) ? turn : undefined;
  }

  /** Stops the thread's turns and switches it to another harness in the same workspace. `undefined` if the thread is gone. */
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
   * Stops the thread's turns, ends its process and removes its folders, its turns and the thread. If this rejects, some of it may
   * remain; call it again.
   */
  remove(thread: Thread): Promise<void> {
    return this.withThreadLock(thread, async () => {
      await this.runner.stopThread(thread.id);
      await this.gateway.remove(thread.id);
      await this.threads.remove(thread.id);
      this.#removed$.next(thread.id);
    });
  }

  /** Runs a task while no turn of the thread is being opened and no other call here is running. Settles as the task does. */
  withThreadLock<Result>(thread: Thread, task: () => Promise<Result>): Promise<Result> {
    return this.lock.run(lockKey(thread.tenant, thread.key), task);
  }

  private async active(threadId: string): Promise<Turn | undefined> {
    const newest = await this.turns.lastTurns(threadId, this.config.maxQueuedPerThread + 2);
    return newest.findLast((turn) => !hasEnded(turn.state));
  }
}

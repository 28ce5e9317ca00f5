import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type Principal, requirePolicies } from '../auth/principal.js';
import type { CallerToolCall } from '../domain/caller-tool.js';
import { AppConfig } from '../config/app-config.js';
import { HarnessRegistry } from '../harness/harness.registry.js';
import { type HarnessName, NO_NEEDS } from '../harness/harness.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { CallerToolStore } from '../storage/stores/caller-tool.store.js';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import type { Turn } from '../storage/stores/turn.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { hasOwnTemplate } from '../turns/new-thread.js';
import { assertPermitted } from '../domain/policy/permissions.js';
import { quoteForCaller } from '../domain/service-error.js';
import { asUserId } from '../domain/user-id.js';
import { type ExecuteResult, type ExecutionInput, ThreadControl } from '../turns/thread-control.js';
import { ThreadHost } from '../turns/hosting/thread-host.js';
import type { CallAnswer } from './dto/answer.dto.js';
import type { AppendMessagesDto } from './dto/append-messages.dto.js';
import { type CreateSessionDto, parseCreateSession } from './dto/create-session.dto.js';
import type { ExecuteDto } from './dto/execute.dto.js';
import { parseExecutionId } from './dto/execution-id.js';
import { toStoredExecution } from './input/execution-request.js';
import { type HarnessTypes, parseHarnessType, toHarnessType, toTypeMetadata } from './dto/harness-type.js';
import { type SessionView, toSessionView } from './dto/session-views.js';
import { parseInputLines } from './input/input-lines.js';
import { readModelRequest } from './input/overrides.js';
import { findRepeatedMessages } from './input/repeated-messages.js';
import { SessionMessageStore } from '../storage/stores/session-message.store.js';
import type { UserMessage } from '../storage/stores/user-message.js';
import {
  activeExecution,
  harnessConflict,
  notWaiting,
  SessionException,
  sessionNotFound,
} from './session.exception.js';

/** The operations of the session API on threads. Threads of other tenants are not found. */
@Injectable()
export class SessionService {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly registry: HarnessRegistry,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
    private readonly control: ThreadControl,
    private readonly host: ThreadHost,
    private readonly clock: StoreClock,
    private readonly calls: CallerToolStore,
  ) {}

  /** @throws SessionException (404) when the tenant has no such thread. */
  async thread(tenant: string, key: string): Promise<Thread> {
    const thread = await this.threads.find(tenant, key);
    if (thread === undefined) throw sessionNotFound(key);
    return thread;
  }

  /** A turn of a thread, by its execution id or message id. @throws SessionException (404) when the thread has no such turn. */
  async turn(thread: Thread, id: string): Promise<Turn> {
    const turnId = parseExecutionId(id);
    const turn = turnId === undefined ? await this.turns.byMessageId(id) : await this.turns.byId(turnId);
    if (turn?.threadId !== thread.id) throw new SessionException(404, `execution not found: ${quoteForCaller(id)}`);
    return turn;
  }

  /**
   * Finds or creates the thread with this key.
   *
   * @throws SessionException 409 for a thread of another harness unless the body requests a restart, 422 for an invalid body or an
   *   unavailable harness. @throws ServiceError (`forbidden`) for a harness that a policy does not allow.
   */
  async create(
    principal: Principal,
    key: string,
    body: unknown,
  ): Promise<{ readonly thread: Thread; readonly switched: boolean }> {
    const dto = parseCreateSession(body, this.types);
    const harness = parseHarnessType(dto.harness_type, this.types) ?? this.registry.defaultHarness;
    assertPermitted(requirePolicies(principal), { harness });
    const { tenant } = principal;
    const thread = (await this.threads.find(tenant, key)) ?? (await this.createThread(principal, key, harness, dto));
    if (thread.harness === harness) return { thread, switched: false };
    if (dto.on_harness_conflict !== 'restart')
      throw harnessConflict(thread, this.harnessType(thread), dto.harness_type ?? harness);
    this.assertHarnessAvailable(harness);
    const switched = await this.control.switchHarness(thread, harness);
    if (switched === undefined) throw sessionNotFound(key);
    return { thread: switched, switched: true };
  }

  /** Converts a thread to a session. */
  view(thread: Thread): SessionView {
    return toSessionView(thread, this.harnessType(thread), this.config.threadRetentionMs);
  }

  /** The thread's `harness_type`. */
  harnessType(thread: Thread): string {
    return toHarnessType(thread, this.types);
  }

  private get types(): HarnessTypes {
    return { harnesses: this.registry.definitions, aliases: this.config.harnessAliases };
  }

  /** Stores messages and returns their ids. They start no turn: the user's go to the running turn, or else to the next one. */
  async append(thread: Thread, { messages }: AppendMessagesDto): Promise<readonly string[]> {
    const newMessages = messages.map((message) => ({
      clientMessageId: message.client_message_id,
      role: message.role,
      parts: message.parts,
      metadata: message.metadata ?? {},
    }));
    const ids = await this.control.withThreadLock(thread, async () => {
      const appended = await this.messages.append(thread.id, newMessages, this.clock.now());
      if (appended !== undefined) await this.host.steer(thread.id);
      return appended;
    });
    if (ids === undefined) throw sessionNotFound(thread.key);
    return ids;
  }

  /** Starts a turn, or finds the one with the same idempotency key. @throws SessionException 409 while another turn is active. */
  async execute(thread: Thread, dto: ExecuteDto, principal: Principal, traceparent: string | undefined): Promise<Turn> {
    this.assertHarnessAvailable(thread.harness);
    const executed = await this.control.execute(thread, {
      idempotencyKey: dto.idempotency_key,
      caller: 'session',
      billedTo: { keyId: principal.keyId, userId: asUserId(dto.metadata?.['user_id']) },
      policies: requirePolicies(principal),
      traceparent,
      request: toStoredExecution(
        {
          inputLineCount: dto.input_lines.length,
          idleTimeout: dto.idle_timeout_ms ?? null,
          maxDuration: dto.max_duration_ms ?? null,
        },
        dto.metadata ?? {},
      ),
      input: (stored) => this.toInput(thread, dto, stored),
    });
    return toExecutedTurn(thread, executed);
  }

  /**
   * Answers the calls with which a turn ended, so that the agent continues in a new turn, or finds the turn with the same idempotency
   * key.
   *
   * @throws SessionException 409 when the calls do not wait, or another turn is active. @throws ServiceError (`bad_request`) for results
   *   that are not those of the calls.
   */
  async answer(
    thread: Thread,
    answered: Turn,
    { idempotencyKey, results }: CallAnswer,
    principal: Principal,
    traceparent: string | undefined,
  ): Promise<Turn> {
    this.assertHarnessAvailable(thread.harness);
    const executed = await this.control.execute(thread, {
      idempotencyKey,
      caller: 'session',
      billedTo: { keyId: principal.keyId, userId: answered.billedTo.userId },
      policies: requirePolicies(principal),
      traceparent,
      request: toStoredExecution({ inputLineCount: results.length, idleTimeout: null, maxDuration: null }, {}),
      input: () => ({ prompt: [], repeats: [] }),
      answer: { turnId: answered.id, results },
    });
    return toExecutedTurn(thread, executed);
  }

  /** The calls that the thread's agent waits for; none if it does not wait. */
  async waitingCalls(thread: Thread): Promise<readonly CallerToolCall[]> {
    return thread.parkedTurnId === undefined ? [] : this.calls.ofTurn(thread.parkedTurnId);
  }

  /**
   * Makes the input of an execution. Without lines, it is the user's messages that no turn has heard, so that a client can deliver what
   * arrived too late for the turn before; centaur waits for ever.
   */
  private toInput(thread: Thread, dto: ExecuteDto, stored: readonly UserMessage[]): ExecutionInput {
    if (dto.input_lines.length === 0) {
      if (stored.some(({ prompt }) => prompt.length > 0)) return { prompt: [], repeats: [] };
      throw new SessionException(400, 'input_lines is required: there are no undelivered user messages');
    }
    const { userLines, prompt } = parseInputLines(dto.input_lines);
    const execution = { idempotencyKey: dto.idempotency_key, lines: userLines, prompt };
    const harness = this.registry.find(thread.harness);
    return {
      prompt,
      repeats: findRepeatedMessages(stored, execution),
      ...readModelRequest(userLines, thread.harness, (model) => harness?.knowsModel(model) === true),
    };
  }

  private async createThread(
    principal: Principal,
    key: string,
    harness: HarnessName,
    dto: CreateSessionDto,
  ): Promise<Thread> {
    this.assertHarnessAvailable(harness);
    const { tenant } = principal;
    const spare = hasOwnTemplate(requirePolicies(principal))
      ? undefined
      : ({ harness, tools: 'all', needs: NO_NEEDS } as const);
    const { thread } = await this.host.makeThread(spare, ({ node, spareId }) =>
      this.threads.findOrCreate({
        id: spareId ?? randomUUID(),
        tenant,
        key,
        harness,
        // In the Messages API, this model name selects the harness with its default model.
        model: harness,
        harnessModel: undefined,
        systemPrompt: undefined,
        metadata: { session: dto.metadata ?? {}, ...toTypeMetadata(dto.harness_type, this.types) },
        createdAt: this.clock.now(),
        node,
      }),
    );
    return thread;
  }

  private assertHarnessAvailable(harness: HarnessName): void {
    if (!this.registry.serves(harness)) {
      throw new SessionException(422, `harness_type: not available on this server: ${harness}`);
    }
  }
}

function toExecutedTurn(thread: Thread, executed: ExecuteResult): Turn {
  switch (executed.kind) {
    case 'started':
    case 'known':
      return executed.turn;
    case 'busy':
      throw activeExecution(thread.key, executed.turn);
    case 'no-thread':
      throw sessionNotFound(thread.key);
    case 'not-waiting':
      throw notWaiting();
    default:
      return executed satisfies never;
  }
}

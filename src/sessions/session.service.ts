import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { HarnessRegistry } from '../harness/harness.registry.js';
import type { HarnessName } from '../harness/harness.js';
import type { Prompt } from '../domain/prompt.js';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import type { Turn } from '../storage/stores/turn.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { quoteForCaller } from '../domain/service-error.js';
import { ThreadControl } from '../turns/thread-control.js';
import type { AppendMessagesDto } from './dto/append-messages.dto.js';
import { type CreateSessionDto, parseCreateSession } from './dto/create-session.dto.js';
import type { ExecuteDto } from './dto/execute.dto.js';
import { parseExecutionId } from './dto/execution-id.js';
import { toStoredExecution } from './input/execution-request.js';
import { parseHarnessType, toHarnessType } from './dto/harness-type.js';
import { type SessionView, sessionView } from './dto/session-views.js';
import { promptOfLines } from './input/input-lines.js';
import { promptContent } from './input/prompt-content.js';
import { SessionMessageStore } from '../storage/stores/session-message.store.js';
import { activeExecution, harnessConflict, SessionException, sessionNotFound } from './session.exception.js';

/** What the session API does to threads. All of it is of one tenant; another one's thread is not found. */
@Injectable()
export class SessionService {
  constructor(
    private readonly registry: HarnessRegistry,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
    private readonly control: ThreadControl,
  ) {}

  /** @throws SessionException (404) when the tenant has no such thread. */
  async thread(tenant: string, key: string): Promise<Thread> {
    const thread = await this.threads.find(tenant, key);
    if (thread === undefined) throw sessionNotFound(key);
    return thread;
  }

  /** A turn of a thread, by its execution id or its message's. @throws SessionException (404) when it has no such turn. */
  async turn(thread: Thread, id: string): Promise<Turn> {
    const turnId = parseExecutionId(id);
    const turn = turnId === undefined ? await this.turns.byMessageId(id) : await this.turns.byId(turnId);
    if (turn?.threadId !== thread.id) throw new SessionException(404, `execution not found: ${quoteForCaller(id)}`);
    return turn;
  }

  /**
   * The thread with this key, made when there is none.
   *
   * @throws SessionException 409 for a thread of another harness that is not to be restarted, 422 for a body that is wrong and for a
   *   harness that is not here.
   */
  async create(
    tenant: string,
    key: string,
    body: unknown,
  ): Promise<{ readonly thread: Thread; readonly switched: boolean }> {
    const { definitions } = this.registry;
    const types = definitions.map(({ sessionType }) => sessionType);
    const dto = parseCreateSession(body, types);
    const harness = parseHarnessType(dto.harness_type, definitions) ?? dto.harness_type;
    const thread = (await this.threads.find(tenant, key)) ?? (await this.createThread(tenant, key, harness, dto));
    if (thread.harness === harness) return { thread, switched: false };
    if (dto.on_harness_conflict !== 'restart')
      throw harnessConflict(thread, this.harnessType(thread), dto.harness_type);
    this.assertHarnessAvailable(harness);
    const switched = await this.control.switchHarness(thread, harness);
    if (switched === undefined) throw sessionNotFound(key);
    return { thread: switched, switched: true };
  }

  /** A thread as a session row. */
  view(thread: Thread): SessionView {
    return sessionView(thread, this.harnessType(thread));
  }

  /** The thread's harness as the session API names it. */
  harnessType(thread: Thread): string {
    return toHarnessType(thread.harness, this.registry.definitions);
  }

  /** Stores messages and gives their ids. They start nothing, and a turn that runs does not get them. */
  async append(thread: Thread, { messages }: AppendMessagesDto): Promise<readonly string[]> {
    const wanted = messages.map((message) => ({
      clientMessageId: message.client_message_id,
      role: message.role,
      parts: message.parts,
      metadata: message.metadata ?? {},
    }));
    const ids = await this.control.withThreadLock(thread, async () => {
      // Later than the turn that is there already, in the same millisecond, too: that turn has not had these messages.
      const latest = await this.turns.latest(thread.id);
      return this.messages.append(thread.id, wanted, Math.max(Date.now(), (latest?.createdAt ?? 0) + 1));
    });
    if (ids === undefined) throw sessionNotFound(thread.key);
    return ids;
  }

  /** Starts a turn, or finds the one of the same idempotency key. @throws SessionException 409 while another one goes on. */
  async execute(thread: Thread, wanted: ExecuteDto): Promise<Turn> {
    this.assertHarnessAvailable(thread.harness);
    const executed = await this.control.execute(thread, {
      idempotencyKey: wanted.idempotency_key,
      caller: 'session',
      request: toStoredExecution(
        {
          inputLineCount: wanted.input_lines.length,
          idleTimeout: wanted.idle_timeout_ms ?? null,
          maxDuration: wanted.max_duration_ms ?? null,
        },
        wanted.metadata ?? {},
      ),
      prompt: () => this.prompt(thread, wanted.input_lines),
    });
    switch (executed.kind) {
      case 'started':
      case 'known':
        return executed.turn;
      case 'busy':
        throw activeExecution(thread.key, executed.turn);
      case 'no-thread':
        throw sessionNotFound(thread.key);
      default:
        return executed satisfies never;
    }
  }

  /**
   * Lines are the complete input, as with centaur. Without any, centaur waits for ever; here the input is what the user sent since
   * the last turn, so that a message that came while a turn was running can be handed on when it is done.
   */
  private async prompt(thread: Thread, lines: readonly string[]): Promise<Prompt> {
    if (lines.length > 0) return promptOfLines(lines);
    const latest = await this.turns.latest(thread.id);
    const parts = await this.messages.userPartsSince(thread.id, latest?.createdAt ?? 0);
    const prompt = parts.flatMap((part) => promptContent(part, new Map()));
    if (prompt.length === 0) {
      throw new SessionException(400, 'input_lines is required: there are no undelivered user messages');
    }
    return prompt;
  }

  private async createThread(
    tenant: string,
    key: string,
    harness: HarnessName,
    wanted: CreateSessionDto,
  ): Promise<Thread> {
    this.assertHarnessAvailable(harness);
    const { thread } = await this.threads.findOrCreate({
      id: randomUUID(),
      tenant,
      key,
      harness,
      // The name by which the Messages API chooses this harness with its own default model.
      model: harness,
      harnessModel: undefined,
      systemPrompt: undefined,
      metadata: { session: wanted.metadata ?? {} },
      createdAt: Date.now(),
    });
    return thread;
  }

  private assertHarnessAvailable(harness: HarnessName): void {
    if (!this.registry.serves(harness)) {
      throw new SessionException(422, `harness_type: not available on this server: ${harness}`);
    }
  }
}

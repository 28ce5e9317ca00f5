import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn } from '../../storage/stores/turn.js';
import { readMessageIds } from '../../storage/stores/turn-input.js';
import { toAnsweredModel } from '../../turns/answered-model.js';
import { durationExceeded } from '../../turns/running/max-duration.js';
import { isHistoryLost, readWarnings } from '../../turns/running/input/stored-request.js';
import {
  readFinalText,
  INITIAL_NOTIFICATION_STATE,
  toNotifications,
  type LineState,
  openingLines,
} from './codex-notifications.js';
import { toEventId, type EventSource, openingId, toTerminalId } from './event-id.js';
import { readExecutionRequest } from '../input/execution-request.js';
import { toExecutionId } from '../dto/execution-id.js';
import type { LineTurn } from './notification-builders.js';
import { toEndEvents } from '../../turns/message-events.js';

/** One event of a session's stream. The data of a `session.output.line` is the line itself. */
export interface SessionEvent {
  readonly id: number;
  readonly type:
    | 'session.execution_started'
    | 'session.output.line'
    | 'session.first_token'
    | 'session.steering_delivered'
    | 'session.execution_completed'
    | 'session.execution_failed'
    | 'session.execution_cancelled';
  readonly data: JsonObject;
}

type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' | 'turn-failed' }>;

/**
 * Encodes one turn as session events. The same log yields the same events with the same ids. Each reader has its own encoder, which
 * must get the turn's harness events from the first on.
 */
export class SessionEventEncoder {
  readonly #line: LineTurn;
  #state: LineState = INITIAL_NOTIFICATION_STATE;
  /** The calls of the caller's tools so far. */
  readonly #calls: JsonObject[] = [];
  #index = 0;
  #started = false;
  #hasFirstToken = false;
  #ended = false;

  constructor(
    private readonly thread: Thread,
    private readonly turn: Turn,
    private readonly source: EventSource,
    /** Milliseconds since the execution was created; `null` for a replay. */
    private readonly latency: () => number | null,
    /** The thread's `harness_type`. */
    private readonly harnessType: string,
  ) {
    const { id, sequence, prompt, startedAt, createdAt } = turn;
    const model = toAnsweredModel(thread);
    this.#line = {
      threadId: thread.id,
      turnId: id,
      sequence,
      model,
      prompt,
      warnings: readWarnings(turn),
      startedAt: startedAt ?? createdAt,
    };
  }

  /** Whether the terminal event was encoded. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Emits `execution_started` and the lines that open the turn; nothing when called again. */
  openTurn(): readonly SessionEvent[] {
    if (this.#started) return [];
    this.#started = true;
    const { inputLineCount, idleTimeout, maxDuration } = readExecutionRequest(this.turn);
    const messageIds = readMessageIds(this.turn.request);
    const started: SessionEvent = {
      id: openingId(this.turn.sequence, 0),
      type: 'session.execution_started',
      data: {
        ...this.turnIds(),
        input_line_count: inputLineCount,
        idle_timeout_ms: idleTimeout,
        max_duration_ms: maxDuration,
        ...(isHistoryLost(this.turn) ? { history: 'lost' } : {}),
        ...(messageIds.length === 0 ? {} : { message_ids: messageIds }),
      },
    };
    const lines = openingLines(this.#line).map((data, part) => ({
      id: openingId(this.turn.sequence, part + 1),
      type: 'session.output.line' as const,
      data,
    }));
    return [started, ...lines];
  }

  /** Encodes the next harness events of the turn. */
  encode(events: readonly HarnessEvent[]): readonly SessionEvent[] {
    const encoded = [...this.openTurn()];
    for (const event of events) {
      encoded.push(...this.encodeOne(event));
      this.#index += 1;
    }
    return encoded;
  }

  /** The terminal event, from the stored turn, for a log that ended without one; nothing while the turn has not ended. */
  end(row: Turn | undefined): readonly SessionEvent[] {
    if (this.#ended || row === undefined || !hasEnded(row.state)) return [];
    // A turn that was cancelled in the queue never started.
    if (row.startedAt !== undefined) return this.encode(toEndEvents(row));
    return toEndEvents(row).flatMap((end) => (isTurnEnd(end) ? [this.terminal(end)] : []));
  }

  private encodeOne(event: HarnessEvent): readonly SessionEvent[] {
    const [state, lines] = toNotifications(this.#line, this.#state, event);
    this.#state = state;
    const encoded: SessionEvent[] = lines.map((data, part) => ({
      id: this.id(part),
      type: 'session.output.line',
      data,
    }));
    if (event.type === 'caller-tool-call') this.#calls.push({ id: event.id, name: event.name, input: event.input });
    const line = encoded.at(-1);
    if (event.type === 'text-delta' && line !== undefined && !this.#hasFirstToken) {
      this.#hasFirstToken = true;
      encoded.push(this.firstToken(line.id, encoded.length));
    }
    if (event.type === 'user-message') encoded.push(this.steered(event.id, encoded.length));
    if (isTurnEnd(event)) encoded.push(this.terminal(event));
    return encoded;
  }

  private firstToken(outputEventId: number, part: number): SessionEvent {
    return {
      id: this.id(part),
      type: 'session.first_token',
      data: {
        ...this.turnIds(),
        harness_type: this.harnessType,
        latency_ms: this.latency(),
        output_event_id: outputEventId,
      },
    };
  }

  /** The event with which centaur reports that a message went to the running harness (its `session.steering_delivered`, read). */
  private steered(messageId: string, part: number): SessionEvent {
    return {
      id: this.id(part),
      type: 'session.steering_delivered',
      data: { ...this.turnIds(), message_ids: [messageId], input_line_count: 1 },
    };
  }

  private terminal(end: TurnEnd): SessionEvent {
    this.#ended = true;
    const id = toTerminalId(this.turn.sequence);
    if (end.type === 'turn-failed') return { id, type: 'session.execution_failed', data: this.failure(end.message) };
    if (end.reason === 'interrupted') return { id, type: 'session.execution_cancelled', data: this.turnIds() };
    const waits = end.reason === 'tool_use' && this.#calls.length > 0;
    const data = {
      ...this.turnIds(),
      completion_reason: waits ? 'caller_tool_calls' : 'turn_completed',
      result_text: readFinalText(this.#state),
      ...(waits ? { calls: this.#calls } : {}),
    };
    return { id, type: 'session.execution_completed', data };
  }

  private failure(error: string): JsonObject {
    const { maxDuration } = readExecutionRequest(this.turn);
    const exceeded = maxDuration !== null && error === durationExceeded(maxDuration);
    return {
      ...this.turnIds(),
      error,
      ...(exceeded ? { reason: 'max_duration_exceeded', max_duration_ms: maxDuration } : {}),
    };
  }

  private turnIds(): JsonObject {
    return { execution_id: toExecutionId(this.turn.id), thread_key: this.thread.key };
  }

  private id(part: number): number {
    return toEventId(this.turn.sequence, this.source, this.#index, part);
  }
}

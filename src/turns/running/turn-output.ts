import { hasTrait } from '../../domain/event-traits.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import {
  collectEmittedIds,
  isReplayed,
  NOTHING_EMITTED,
  synthesizeMissingResults,
  withoutDropped,
} from './replay-dedupe.js';
import { sanitizeEvent } from './sanitize-event.js';
import { StructuredOutputBuffer } from './structured-answer.js';
import { type TurnEnd, withoutReportedUsage } from './turn-outcome.js';

/** What one batch of harness events adds to a turn. */
export interface OutputBatch {
  /** The events to log, in order. */
  readonly events: readonly HarnessEvent[];
  /** The end of the turn. It is stored together with the turn's new state. */
  readonly end: TurnEnd | undefined;
}

/** The last events of a turn, and its end. */
export interface LastOutput {
  readonly events: readonly HarnessEvent[];
  readonly end: TurnEnd;
}

/**
 * Turns the harness events of a turn, over all attempts, into logged events: sanitizes them, drops what a resumed harness replays,
 * and buffers text that must follow a schema.
 */
export class TurnOutput {
  readonly #events: HarnessEvent[];
  /** Made with the first tool: most turns that wait run none. */
  #runningTools: Set<string> | undefined;
  readonly #structured: StructuredOutputBuffer | undefined;
  /** Ids that earlier attempts have emitted. */
  #emittedBefore = NOTHING_EMITTED;

  /**
   * @param logged the events of earlier attempts.
   * @param schema JSON Schema that the answer must follow, if any.
   */
  constructor(logged: readonly HarnessEvent[], schema: JsonObject | undefined) {
    this.#events = [...logged];
    this.#structured = schema === undefined ? undefined : new StructuredOutputBuffer(schema);
  }

  /** All events so far, without the end. */
  get events(): readonly HarnessEvent[] {
    return [...this.#events];
  }

  /** Whether a tool is running, so that the harness may be silent. */
  get isRunningTool(): boolean {
    return this.#runningTools !== undefined && this.#runningTools.size > 0;
  }

  /** The harness's own id of the conversation, if it started one in this turn. */
  get sessionId(): string | undefined {
    const started = this.#events.findLast((event) => event.type === 'session-started');
    return started?.type === 'session-started' ? started.sessionId : undefined;
  }

  /** Call before an attempt's harness starts: from the second attempt on, it may replay logged events. */
  beginAttempt(attempt: number): void {
    this.#runningTools = undefined;
    this.#emittedBefore = attempt > 1 ? collectEmittedIds(this.#events) : NOTHING_EMITTED;
  }

  /** Adds what the harness emitted. */
  add(emitted: readonly HarnessEvent[]): OutputBatch {
    const sanitized = emitted.map(sanitizeEvent);
    if (this.#emittedBefore !== NOTHING_EMITTED) this.#emittedBefore = withoutDropped(this.#emittedBefore, sanitized);
    const fresh = sanitized.filter((event) => !isTurnEnd(event) && !isReplayed(event, this.#emittedBefore));
    const events = this.#structured?.push(fresh) ?? fresh;
    for (const event of events) {
      this.#events.push(event);
      if (hasTrait(event, 'unit', 'tool-call')) (this.#runningTools ??= new Set()).add(event.id);
      else if (hasTrait(event, 'unit', 'tool-result')) this.#runningTools?.delete(event.id);
    }
    return { events, end: sanitized.find(isTurnEnd) };
  }

  /** Returns the last events and the end to log. A normal end becomes a failure if the answer violates the schema. */
  async finish(end: TurnEnd, attempt: number): Promise<LastOutput> {
    const [held, checkedEnd] = (await this.#structured?.finish(end)) ?? [[], end];
    return {
      events: [...held, ...synthesizeMissingResults(this.#events)],
      end: attempt > 1 ? withoutReportedUsage(checkedEnd) : checkedEnd,
    };
  }
}

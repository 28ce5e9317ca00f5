import { hasTrait } from '../../domain/event-traits.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import { collectEmittedIds, type EmittedIds, isReplayed, synthesizeMissingResults } from './replay-dedupe.js';
import { sanitizeEvent } from './sanitize-event.js';
import { StructuredOutputBuffer } from './structured-answer.js';
import { type TurnEnd, withoutReportedUsage } from './turn-outcome.js';

/** What one batch of the harness adds to a turn. */
export interface OutputBatch {
  /** The events to log, in their order. */
  readonly events: readonly HarnessEvent[];
  /** The end of the turn, which is stored together with the turn's new state. */
  readonly end: TurnEnd | undefined;
}

/** The last events of a turn, and its end. */
export interface LastOutput {
  readonly events: readonly HarnessEvent[];
  readonly end: TurnEnd;
}

/**
 * The events that the harness emits in a turn, as they are logged: sanitized, without what a resumed harness replays, and with the
 * text held back that may have to follow a schema. It covers all attempts.
 */
export class TurnOutput {
  readonly #events: HarnessEvent[];
  readonly #runningTools = new Set<string>();
  readonly #structured: StructuredOutputBuffer | undefined;
  /** What the attempts before the current one have emitted. */
  #emittedBefore: EmittedIds = collectEmittedIds([]);

  /**
   * @param logged the events of earlier attempts.
   * @param schema JSON Schema that the answer has to follow, if any.
   */
  constructor(logged: readonly HarnessEvent[], schema: JsonObject | undefined) {
    this.#events = [...logged];
    this.#structured = schema === undefined ? undefined : new StructuredOutputBuffer(schema);
  }

  /** All events so far, but the end. */
  get events(): readonly HarnessEvent[] {
    return [...this.#events];
  }

  /** Whether a tool runs, so that the harness may be silent. */
  get isRunningTool(): boolean {
    return this.#runningTools.size > 0;
  }

  /** The harness's own id of the conversation, if it started one in this turn. */
  get sessionId(): string | undefined {
    const started = this.#events.findLast((event) => event.type === 'session-started');
    return started?.type === 'session-started' ? started.sessionId : undefined;
  }

  /** To be called before the harness of an attempt starts: from the second one on it may replay what is logged already. */
  beginAttempt(attempt: number): void {
    this.#runningTools.clear();
    this.#emittedBefore = collectEmittedIds(attempt > 1 ? this.#events : []);
  }

  /** Adds what the harness emitted. */
  add(emitted: readonly HarnessEvent[]): OutputBatch {
    const sanitized = emitted.map(sanitizeEvent);
    const fresh = sanitized.filter((event) => !isTurnEnd(event) && !isReplayed(event, this.#emittedBefore));
    const events = this.#structured?.push(fresh) ?? fresh;
    for (const event of events) {
      this.#events.push(event);
      if (hasTrait(event, 'unit', 'tool-call')) this.#runningTools.add(event.id);
      else if (hasTrait(event, 'unit', 'tool-result')) this.#runningTools.delete(event.id);
    }
    return { events, end: sanitized.find(isTurnEnd) };
  }

  /** What remains to be logged when the turn ends like this after so many attempts. The end may become a failure of the schema. */
  async finish(end: TurnEnd, attempt: number): Promise<LastOutput> {
    const [held, checkedEnd] = (await this.#structured?.finish(end)) ?? [[], end];
    return {
      events: [...held, ...synthesizeMissingResults(this.#events)],
      end: attempt > 1 ? withoutReportedUsage(checkedEnd) : checkedEnd,
    };
  }
}

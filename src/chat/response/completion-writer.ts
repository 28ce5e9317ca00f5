import type { Response } from 'express';
import { fromEvent, type Observable } from 'rxjs';
import type { StreamWriter } from '../../http/stream-while-connected.js';
import { escapeUnicodeLineBreaks, SSE_HEADERS } from '../../http/server-sent-events.js';
import { toFailureException } from '../../openai/errors/openai-error.js';
import type { CompletionEvent } from '../translate/completion-state.js';
import type { CompletionFacts } from '../wire/completion.js';

/** Silence after which the answer begins although the agent has emitted nothing yet: some callers limit the time until the headers. */
const START_AFTER_MS = 1000;
/** Silence on the wire after which an empty delta is sent. No comment: some clients read each line as JSON. */
const KEEP_ALIVE_AFTER_MS = 10_000;

const DONE = 'data: [DONE]\n\n';

/**
 * Writes the events of an answer to one HTTP response as chunks, and keeps it alive during silence.
 *
 * Sends nothing, not even headers, before the first event, so that an earlier failure gets its HTTP status.
 */
export class CompletionWriter implements StreamWriter<CompletionEvent> {
  #hasBegun = false;
  #isComplete = false;
  #lastWrite = performance.now();
  /** What each chunk begins with. */
  readonly #head: string;
  readonly #usage: string;

  /** @param includesUsage whether a last chunk has the usage, as `stream_options` asks; all others then have `usage: null`. */
  constructor(
    private readonly response: Response,
    { id, created, model }: CompletionFacts,
    private readonly includesUsage: boolean,
  ) {
    const facts = { id, object: 'chat.completion.chunk', created, model, system_fingerprint: null };
    this.#head = `data: ${JSON.stringify(facts).slice(0, -1)},"choices":[`;
    this.#usage = includesUsage ? ',"usage":null' : '';
  }

  /** Emits when the caller has read the written data. Never completes. */
  get resumed$(): Observable<unknown> {
    return fromEvent(this.response, 'drain');
  }

  /** Whether the caller keeps up; otherwise nothing more is sent. */
  isReady(): boolean {
    return !this.response.writableNeedDrain;
  }

  /** Whether the whole answer was sent. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * Sends a batch with one write.
   *
   * @throws OpenaiException for a failure if nothing was sent yet.
   */
  write(events: readonly CompletionEvent[]): void {
    const [first] = events;
    if (first === undefined) return;
    if (first.type === 'failure' && !this.#hasBegun) throw toFailureException(first.failure, first.kind);
    let frames = this.begin();
    for (const event of events) frames += this.encode(event);
    this.send(frames);
  }

  tick(now: number): void {
    const silence = now - this.#lastWrite;
    if (!this.#hasBegun) {
      if (silence >= START_AFTER_MS) this.send(this.begin());
    } else if (!this.#isComplete && this.isReady() && silence >= KEEP_ALIVE_AFTER_MS) {
      // A caller that does not read gets no keep-alives, which would fill the buffer.
      this.send(this.chunk({}));
    }
  }

  private begin(): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    this.response.writeHead(200, SSE_HEADERS);
    return this.chunk({ role: 'assistant', content: '' });
  }

  private encode(event: CompletionEvent): string {
    switch (event.type) {
      case 'delta':
        return this.chunk(event.delta);
      case 'end': {
        this.#isComplete = true;
        const usage = this.includesUsage ? `${this.#head}],"usage":${JSON.stringify(event.usage)}}\n\n` : '';
        return this.chunk({}, event.finishReason) + usage + DONE;
      }
      case 'failure': {
        const { body } = toFailureException(event.failure, event.kind);
        return `data: ${JSON.stringify({ error: body })}\n\n`;
      }
      default:
        return event satisfies never;
    }
  }

  private chunk(delta: object, finishReason: string | null = null): string {
    const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason };
    return `${this.#head}${JSON.stringify(choice)}]${this.#usage}}\n\n`;
  }

  private send(frames: string): void {
    this.response.write(escapeUnicodeLineBreaks(frames));
    this.#lastWrite = performance.now();
  }
}

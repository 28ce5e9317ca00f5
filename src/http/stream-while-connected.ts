import { Logger } from '@nestjs/common';
import type { Response } from 'express';
import type { Observable, Observer, Subscription } from 'rxjs';
import type { KeepAliveClock, Tickable } from './keep-alive-clock.js';
import { letGoOfRequest } from './let-go-of-request.js';
import { getRequestId } from './request-id.js';

/** Writes a streamed answer, and keeps it alive during silence. */
export interface StreamWriter<Event> extends Tickable {
  /** Sends a batch. Throws what the caller gets instead of an answer, if nothing was sent yet. */
  write(events: readonly Event[]): void;
}

const logger = new Logger('StreamedAnswer');

/**
 * Streams an answer while its caller is connected; a caller that disconnects unsubscribes the source.
 *
 * Resolves once the head of the answer is sent, or when there will be none: whatever waits for the end of a stream, such as Nest's handler of the
 * request, is held for as long, and takes five kilobytes. Rejects if the source errors, or the writer throws, before that. A later failure is
 * logged, and the connection is destroyed: only that shows that the answer is incomplete.
 *
 * @param onEnd called once, when the source has ended or the caller has disconnected. `isWhole`: the source has completed, and the caller is there.
 */
export function streamWhileConnected<Event>(
  events$: Observable<readonly Event[]>,
  response: Response,
  clock: KeepAliveClock,
  writer: StreamWriter<Event>,
  onEnd: (isWhole: boolean) => void,
): Promise<void> {
  // A caller that disconnected during the lookup has closed already and emits no second `close`.
  if (response.destroyed || response.closed) {
    onEnd(false);
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    new StreamedAnswer(response, clock, writer, onEnd, { resolve, reject }).read(events$);
  });
}

/** Who waits for the head of an answer. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

class StreamedAnswer<Event> implements Observer<readonly Event[]> {
  #reading: Subscription | undefined;
  #hasEnded = false;

  constructor(
    private readonly response: Response,
    private readonly clock: KeepAliveClock,
    private readonly writer: StreamWriter<Event>,
    private readonly onEnd: (isWhole: boolean) => void,
    private waiting: Waiting | undefined,
  ) {}

  read(events$: Observable<readonly Event[]>): void {
    this.response.on('close', () => this.#end(false));
    this.clock.register(this.writer);
    const reading = events$.subscribe(this);
    if (this.#hasEnded) reading.unsubscribe();
    else this.#reading = reading;
  }

  next(events: readonly Event[]): void {
    if (this.#hasEnded) return;
    try {
      this.writer.write(events);
    } catch (reason) {
      this.error(reason);
      return;
    }
    if (this.waiting === undefined || !this.response.headersSent) return;
    this.waiting.resolve();
    this.waiting = undefined;
    letGoOfRequest(this.response);
  }

  error(reason: unknown): void {
    if (this.#hasEnded) return;
    const { response, waiting } = this;
    this.waiting = undefined;
    this.#end(false);
    if (waiting !== undefined) {
      waiting.reject(reason);
      return;
    }
    logger.error({ requestId: getRequestId(response), err: reason }, 'request failed');
    response.destroy();
  }

  complete(): void {
    this.#end(!this.response.destroyed);
  }

  #end(isWhole: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reading?.unsubscribe();
    this.#reading = undefined;
    this.clock.unregister(this.writer);
    this.onEnd(isWhole);
    this.waiting?.resolve();
    this.waiting = undefined;
  }
}

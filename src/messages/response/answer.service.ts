import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { defer, map, NEVER, type Observable, of, takeUntil, tap } from 'rxjs';
import { AppConfig } from '../../config/app-config.js';
import { replayMessage } from '../../translator/replay-message.js';
import type { Message, StreamEvent } from '../../anthropic/stream-event.js';
import { addEvent, toCollected, createMessageBuilder } from '../../translator/collect.js';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { TurnService } from '../../turns/turn.service.js';
import { type AnswerView, applyAnswerView } from '../../translator/views/answer-view.js';
import { skipReceivedText } from '../../translator/views/skip-received.js';
import type { Backpressure } from '../../storage/event-log/event-log.js';
import { TranslatorService, type TranslatorSignal } from '../../translator/translator.service.js';
import { insertMeanwhile } from '../../turns/history/meanwhile.js';
import { readMeanwhile, toTranslateOptions } from '../../turns/running/input/stored-request.js';
import { SseWriter } from './sse-writer.js';
import { KeepAliveClock } from '../../http/keep-alive-clock.js';
import { readWhileConnected } from '../../http/read-while-connected.js';
import { streamWhileConnected } from '../../http/stream-while-connected.js';
import { PendingJsonResponse } from './pending-json-response.js';

/** How a caller wants its answer. */
export interface AnswerOptions extends AnswerView {
  /** The text that the caller already has. */
  readonly received: string | undefined;
  /** Whether the caller times out after 300 s even if bytes arrive: Claude Code 2.1.330, not streaming. */
  readonly hasHardTimeout: boolean;
}

/** Answers requests with a turn's message: live as server-sent events, or complete as JSON. */
@Injectable()
export class AnswerService {
  private readonly logger = new Logger(AnswerService.name);

  constructor(
    private readonly turns: TurnService,
    private readonly translator: TranslatorService,
    private readonly clock: KeepAliveClock,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /**
   * Streams the message, and then lets the turn go: {@link TurnService.leave}. Resolves once it has begun, or when the caller has disconnected;
   * the turn continues without the caller.
   *
   * @throws AnthropicException if the turn failed before anything was sent.
   */
  stream(opened: OpenedTurn, response: Response, options: AnswerOptions): Promise<void> {
    const writer = new SseWriter(response);
    return streamWhileConnected(this.streamed(opened, options, writer), response, this.clock, writer, (isWhole) => {
      if (isWhole && writer.isComplete) this.noteDelivery(opened, response);
      if (isWhole) response.end();
      this.turns.leave(opened);
    });
  }

  /**
   * Sends the complete message as JSON, and then lets the turn go. Resolves when it is sent or the caller has disconnected; the turn continues
   * without the caller.
   *
   * @throws AnthropicException if, before anything was sent, the turn failed or exceeded the hard timeout of the caller.
   */
  async sendJson(opened: OpenedTurn, response: Response, options: AnswerOptions): Promise<void> {
    const waiting = new PendingJsonResponse(response, options.hasHardTimeout ? this.config.syncTimeoutMs : undefined);
    const accumulation = createMessageBuilder();
    const events$ = this.shown(this.messageEvents(opened, options, NEVER), opened, options).pipe(
      takeUntil(waiting.expired$),
      tap((events) => {
        for (const event of events) addEvent(accumulation, event);
      }),
    );
    try {
      if (!(await readWhileConnected(events$, response, this.clock, waiting))) return;
      const body = waiting.body(toCollected(accumulation));
      this.noteDelivery(opened, response);
      response.end(body);
    } finally {
      this.turns.leave(opened);
    }
  }

  /** Sends a complete message. */
  sendPrepared(message: Message, response: Response, stream: boolean): void {
    if (stream) {
      new SseWriter(response).write(replayMessage(message, null));
      response.end();
    } else {
      // As bytes: Node would encode a string together with the headers as UTF-8, and a thread key may have non-ASCII characters.
      response.type('json').send(Buffer.from(JSON.stringify(message)));
    }
  }

  /**
   * Emits the turn's message as stream events: a replay, then live. Cold. With `showsProgress` a keep-alive may show what the agent is
   * doing.
   *
   * Completes after `message_stop` or `error`. Errors if the store cannot be read. Unsubscribing does not affect the turn.
   */
  private messageEvents(
    opened: OpenedTurn,
    { presentation }: AnswerOptions,
    signals$: Observable<TranslatorSignal>,
    backpressure?: Backpressure,
    showsProgress = false,
  ): Observable<readonly StreamEvent[]> {
    const options = toTranslateOptions(opened.turn, opened.thread);
    const { eventsPrunedAt, message } = opened.turn;
    // The stored message already has the form of this API, with the ids and the usage that earlier readers got.
    if (eventsPrunedAt !== undefined && message !== undefined) return of(replayMessage(message, options.knownUsage));
    const meanwhile = presentation.toolBlocks === 'text' ? readMeanwhile(opened.turn) : undefined;
    const events$ = this.turns.read(opened, backpressure);
    const told$ = meanwhile === undefined ? events$ : events$.pipe(map(insertMeanwhile(meanwhile)));
    return told$.pipe(this.translator.translate({ ...options, showsProgress }, signals$));
  }

  /** What a stream says. What fails here fails as the stream does, which lets the turn go. */
  private streamed(opened: OpenedTurn, options: AnswerOptions, writer: SseWriter): Observable<readonly StreamEvent[]> {
    const { thinking, toolBlocks } = options.presentation;
    // In the text form the block of a call stays open and gets empty keep-alive deltas.
    const showsProgress = thinking === 'shown' && toolBlocks !== 'text';
    return defer(() =>
      this.shown(this.messageEvents(opened, options, writer.signals$, writer, showsProgress), opened, options),
    );
  }

  /** Converts a message to the form that its caller wants. */
  private shown(
    message$: Observable<readonly StreamEvent[]>,
    opened: OpenedTurn,
    options: AnswerOptions,
  ): Observable<readonly StreamEvent[]> {
    const stop = (): void => {
      this.turns.stop(opened).catch((error: unknown) => {
        this.logger.warn({ turnId: opened.turn.id, err: error }, 'failed to stop a turn at its stop sequence');
      });
    };
    // The received text is in the form of the caller's view, so skip it last.
    return message$.pipe(applyAnswerView(options, stop), skipReceivedText(options.received));
  }

  /** Records the delivery once the complete answer is sent: a repeated message is then a new one, not a retry. */
  private noteDelivery(opened: OpenedTurn, response: Response): void {
    response.once('finish', () => {
      this.turns.delivered(opened).catch((error: unknown) => {
        this.logger.warn({ turnId: opened.turn.id, err: error }, 'failed to record the delivery of an answer');
      });
    });
  }
}

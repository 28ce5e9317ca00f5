import { Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { concat, defer, map, type Observable, of, tap } from 'rxjs';
import { JsonPadding } from '../../http/json-padding.js';
import { KeepAliveClock } from '../../http/keep-alive-clock.js';
import { readWhileConnected } from '../../http/read-while-connected.js';
import { streamWhileConnected } from '../../http/stream-while-connected.js';
import { toFailureException } from '../../openai/errors/openai-error.js';
import { Deliveries } from '../../openai/response/deliveries.js';
import { sendJson } from '../../openai/response/send-json.js';
import type { Backpressure } from '../../storage/event-log/event-log.js';
import { toTranslateOptions } from '../../turns/running/input/stored-request.js';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { TurnService } from '../../turns/turn.service.js';
import { CompletionCollector } from '../translate/collect-completion.js';
import {
  type CompletionEvent,
  type CompletionStep,
  type CompletionView,
  initialCompletionState,
} from '../translate/completion-state.js';
import { endCompletion, translateAllToCompletion } from '../translate/translate-completion.js';
import { type Completion, type CompletionFacts, toCompletionId } from '../wire/completion.js';
import { CompletionWriter } from './completion-writer.js';

/** Answers requests with a turn's answer: live as server-sent events, or complete as JSON. */
@Injectable()
export class CompletionService {
  private readonly logger = new Logger(CompletionService.name);

  constructor(
    private readonly turns: TurnService,
    private readonly clock: KeepAliveClock,
    private readonly deliveries: Deliveries,
  ) {}

  /**
   * Streams the answer. Resolves once it has begun, or when the caller has disconnected; the turn continues without the caller.
   *
   * @param onEnd called when the answer is sent or the caller has disconnected
   * @throws OpenaiException if the turn failed before anything was sent.
   */
  stream(
    opened: OpenedTurn,
    view: CompletionView,
    response: Response,
    includesUsage: boolean,
    onEnd: () => void,
  ): Promise<void> {
    const writer = new CompletionWriter(response, toFacts(opened), includesUsage);
    return streamWhileConnected(this.events(opened, view, writer), response, this.clock, writer, (isWhole) => {
      if (isWhole && writer.isComplete) this.deliveries.note(opened, response);
      if (isWhole) response.end();
      onEnd();
    });
  }

  /**
   * Sends the complete answer as JSON. Resolves when it is sent or the caller has disconnected; the turn continues without the caller.
   *
   * @throws OpenaiException if the turn failed.
   */
  async sendWhole(opened: OpenedTurn, view: CompletionView, response: Response): Promise<void> {
    const collector = new CompletionCollector();
    const events$ = this.events(opened, view).pipe(tap((events) => collector.add(events)));
    if (!(await readWhileConnected(events$, response, this.clock, new JsonPadding(response)))) return;
    const { end, failure, message } = collector;
    if (failure !== undefined) throw toFailureException(failure.failure, failure.kind);
    if (end === undefined) throw new Error('unreachable: an answer has an end');
    this.deliveries.note(opened, response);
    const completion: Completion = {
      ...toFacts(opened),
      object: 'chat.completion',
      system_fingerprint: null,
      choices: [{ index: 0, message, logprobs: null, finish_reason: end.finishReason }],
      usage: end.usage,
    };
    sendJson(completion, response);
  }

  /**
   * Emits the events of the answer, a replay and then live. Cold. At a stop sequence it interrupts the turn.
   *
   * Completes after the last event, which there always is. Errors if the store cannot be read. Unsubscribing does not affect the turn.
   */
  private events(
    opened: OpenedTurn,
    view: CompletionView,
    backpressure?: Backpressure,
  ): Observable<readonly CompletionEvent[]> {
    return defer(() => {
      let state = initialCompletionState(opened.turn.messageId, view);
      const advance = ([next, events]: CompletionStep): readonly CompletionEvent[] => {
        if (next.stoppedAt !== undefined && state.stoppedAt === undefined) this.stop(opened);
        state = next;
        return events;
      };
      return concat(
        this.turns.read(opened, backpressure).pipe(map((events) => advance(translateAllToCompletion(state, events)))),
        defer(() => of(advance(endCompletion(state)))),
      );
    });
  }

  private stop(opened: OpenedTurn): void {
    this.turns.stop(opened).catch((error: unknown) => {
      this.logger.warn({ turnId: opened.turn.id, err: error }, 'failed to stop a turn at its stop sequence');
    });
  }
}

function toFacts({ turn, thread }: OpenedTurn): CompletionFacts {
  const { messageId, model } = toTranslateOptions(turn, thread);
  return { id: toCompletionId(messageId), created: Math.floor(turn.createdAt / 1000), model };
}

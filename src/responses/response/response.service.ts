import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { concat, defer, map, type Observable, of, tap } from 'rxjs';
import type { FailureKind, HarnessEvent } from '../../domain/harness-event.js';
import { JsonPadding } from '../../http/json-padding.js';
import { KeepAliveClock } from '../../http/keep-alive-clock.js';
import { readWhileConnected } from '../../http/read-while-connected.js';
import { streamWhileConnected } from '../../http/stream-while-connected.js';
import type { Backpressure } from '../../storage/event-log/event-log.js';
import { hasEnded } from '../../storage/stores/turn.js';
import { insertMeanwhile } from '../../turns/history/meanwhile.js';
import { SERVER_RESTARTING } from '../../turns/running/fallback-end.js';
import { readMeanwhile } from '../../turns/running/input/stored-request.js';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { TurnService } from '../../turns/turn.service.js';
import { initialResponseState, type ResponseOptions, type ResponseStep } from '../translate/response-state.js';
import { endResponse, startResponse, toResponse, translateAllToResponse } from '../translate/translate-response.js';
import { isTerminal, type ResponseEvent } from '../wire/response-event.js';
import type { ResponseObject } from '../wire/response-object.js';
import { Deliveries } from '../../openai/response/deliveries.js';
import { sendJson } from '../../openai/response/send-json.js';
import { toFailureException } from '../../openai/errors/openai-error.js';
import { type AlreadyRead, ResponseWriter } from './response-writer.js';

type TurnFailed = Extract<HarnessEvent, { readonly type: 'turn-failed' }>;

/** Answers requests with a turn's response: live as server-sent events, complete as JSON, or as it is now. */
@Injectable()
export class ResponseService {
  constructor(
    private readonly turns: TurnService,
    private readonly clock: KeepAliveClock,
    private readonly deliveries: Deliveries,
  ) {}

  /**
   * Streams the response. Sends its first events at once, so that a failure is one in the stream, and resolves then; the turn continues without the
   * caller.
   *
   * @param onEnd called when the response is sent or the caller has disconnected
   */
  stream(
    opened: OpenedTurn,
    options: ResponseOptions,
    response: Response,
    read: AlreadyRead,
    onEnd: () => void = () => undefined,
  ): Promise<void> {
    const writer = new ResponseWriter(response, snapshotOf(options), read);
    const events$ = this.events(opened, options, writer, undefined, askToWait);
    return streamWhileConnected(events$, response, this.clock, writer, (isWhole) => {
      if (isWhole && writer.isComplete) this.deliveries.note(opened, response);
      if (isWhole) response.end();
      onEnd();
    });
  }

  /**
   * Sends the complete response as JSON. Resolves when it is sent or the caller has disconnected; the turn continues without the caller.
   *
   * @throws OpenaiException if the turn failed before anything was sent.
   */
  async sendWhole(opened: OpenedTurn, options: ResponseOptions, response: Response): Promise<void> {
    // A turn that ends well and fails as a response has filled the context.
    let kind: FailureKind = 'context_too_long';
    const whole = await this.readWhole(opened, options, response, (end) => (kind = end.kind));
    if (whole === undefined) return;
    if (whole.error !== null) throw toFailureException(whole.error, kind);
    this.deliveries.note(opened, response);
    sendJson(whole, response);
  }

  /** Sends the response as it is now: complete once its turn has ended. A failed one is a response with `status: "failed"`. */
  async sendCurrent(opened: OpenedTurn, options: ResponseOptions, response: Response): Promise<void> {
    const { state } = opened.turn;
    if (!hasEnded(state)) {
      sendJson({ ...snapshotOf(options), status: state === 'queued' ? 'queued' : 'in_progress' }, response);
      return;
    }
    const whole = await this.readWhole(opened, options, response);
    if (whole === undefined) return;
    this.deliveries.note(opened, response);
    sendJson(whole, response);
  }

  /** Sends the response once its turn has ended, also if it failed. */
  async sendEnded(opened: OpenedTurn, options: ResponseOptions, response: Response): Promise<void> {
    const whole = await this.readWhole(opened, options, response);
    if (whole !== undefined) sendJson(whole, response);
  }

  /** Reads the response to its end; `undefined` if the caller has disconnected. */
  private async readWhole(
    opened: OpenedTurn,
    options: ResponseOptions,
    response: Response,
    onFailure: (failure: TurnFailed) => void = () => undefined,
  ): Promise<ResponseObject | undefined> {
    let whole: ResponseObject | undefined;
    const events$ = this.events(opened, options, undefined, onFailure).pipe(
      tap((events) => (whole = findWhole(events) ?? whole)),
    );
    return (await readWhileConnected(events$, response, this.clock, new JsonPadding(response))) ? whole : undefined;
  }

  /**
   * Emits the events of the response: the first two at once, then those of the turn, a replay and then live. Cold.
   *
   * Completes after the last event, which there always is. Errors if the store cannot be read. Unsubscribing does not affect the turn.
   */
  private events(
    opened: OpenedTurn,
    options: ResponseOptions,
    backpressure?: Backpressure,
    onFailure: (failure: TurnFailed) => void = () => undefined,
    adapt: (event: HarnessEvent) => HarnessEvent = (event) => event,
  ): Observable<readonly ResponseEvent[]> {
    return defer(() => {
      let [state, first]: ResponseStep = startResponse(initialResponseState(options));
      const tell = insertMeanwhile(showsLines(options) ? (readMeanwhile(opened.turn) ?? '') : '');
      const advance = ([next, events]: ResponseStep): readonly ResponseEvent[] => {
        state = next;
        return events;
      };
      return concat(
        of(first),
        this.turns.read(opened, backpressure, keepAll).pipe(
          map((events) => {
            const last = events.at(-1);
            if (last?.type === 'turn-failed') onFailure(last);
            return advance(translateAllToResponse(state, tell(events).map(adapt)));
          }),
        ),
        defer(() => of(advance(endResponse(state)))),
      );
    });
  }
}

/**
 * Codex waits as a failure of this kind says and then asks for the turn again, which has gone on; that of an overloaded agent would be final.
 * [Codex 0.169.0]
 */
function askToWait(event: HarnessEvent): HarnessEvent {
  return event === SERVER_RESTARTING ? { ...SERVER_RESTARTING, kind: 'rate_limit' } : event;
}

/** A reader that joins late gets the blocks that a dead attempt left, too: the numbers of the events must be those that others got. */
function keepAll(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  return events;
}

/** Whether a person reads the response, and not only a program. */
function showsLines({ view }: ResponseOptions): boolean {
  return view.toolForm === 'lines' || view.toolForm === 'both';
}

function snapshotOf(options: ResponseOptions): ResponseObject {
  return toResponse(initialResponseState(options), { status: 'in_progress' });
}

function findWhole(events: readonly ResponseEvent[]): ResponseObject | undefined {
  const last = events.at(-1);
  return last !== undefined && isTerminal(last) && 'response' in last ? last.response : undefined;
}

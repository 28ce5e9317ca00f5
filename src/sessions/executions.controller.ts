import { All, Controller, Get, HttpCode, Logger, Param, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { readActor } from '../auth/actor.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import { noteThread, noteTurn } from '../http/request-facts.js';
import type { Thread } from '../storage/stores/thread.store.js';
import type { Turn } from '../storage/stores/turn.js';
import { readWarnings } from '../turns/running/input/stored-request.js';
import { EarlyStarts } from '../turns/early-starts.js';
import { ThreadControl } from '../turns/thread-control.js';
import { parseAnswer } from './dto/answer.dto.js';
import { parseAppendMessages } from './dto/append-messages.dto.js';
import { parseCancel } from './dto/cancel.dto.js';
import { parseEventsQuery } from './dto/events-query.js';
import { parseExecute } from './dto/execute.dto.js';
import { toExecutionId } from './dto/execution-id.js';
import {
  AnswerCallsDocs,
  AppendMessagesDocs,
  CancelSessionDocs,
  EventsDocs,
  ExecuteDocs,
  InterruptDocs,
} from './execution.docs.js';
import { SessionErrorFilter } from './session-error.filter.js';
import { SessionEventsService } from './events/session-events.service.js';
import { streamSessionEvents } from './events/session-sse.js';
import { SessionException } from './session.exception.js';
import { SessionService } from './session.service.js';
import { ThreadKeyPipe } from './thread-key.pipe.js';

/** Messages to a session, its executions and their events. */
@Controller('api/session/:threadKey')
@UseFilters(SessionErrorFilter)
export class ExecutionsController {
  private readonly logger = new Logger(ExecutionsController.name);

  constructor(
    private readonly sessions: SessionService,
    private readonly events: SessionEventsService,
    private readonly control: ThreadControl,
    private readonly earlyStarts: EarlyStarts,
  ) {}

  @Post('messages')
  @HttpCode(200)
  @AppendMessagesDocs()
  async append(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const messages = parseAppendMessages(await readJsonBody(request));
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    return { ok: true, message_ids: await this.sessions.append(thread, messages) };
  }

  @Post('execute')
  @HttpCode(200)
  @ExecuteDocs()
  async execute(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const dto = parseExecute(await readJsonBody(request));
    const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
    const turn = noteTurn(request, await this.sessions.execute(thread, dto, principal, request.get('traceparent')));
    return toStartedExecution(thread, turn);
  }

  /** Answers the calls of the caller's tools with which an execution ended; a new execution continues from the results. */
  @Post('executions/:executionId/answer')
  @HttpCode(200)
  @AnswerCallsDocs()
  async answer(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Param('executionId') executionId: string,
    @Req() request: Request,
  ): Promise<object> {
    const answer = parseAnswer(await readJsonBody(request));
    const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
    const answered = await this.sessions.turn(thread, executionId);
    return toStartedExecution(
      thread,
      noteTurn(request, await this.sessions.answer(thread, answered, answer, principal, request.get('traceparent'))),
    );
  }

  /** Streams the thread's events: of one execution until its end, otherwise until the caller disconnects. */
  @Get('events')
  @EventsDocs()
  async stream(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Query() query: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { after, executionId } = parseEventsQuery(query, request.get('last-event-id'));
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    const turn =
      executionId === undefined ? undefined : noteTurn(request, await this.sessions.turn(thread, executionId));
    // Whoever follows a thread is about to write to it.
    if (turn === undefined) this.earlyStarts.expectThread(thread);
    try {
      await streamSessionEvents(response, (flow) =>
        turn === undefined ? this.events.ofThread(thread, after, flow) : this.events.ofTurn(thread, turn, after, flow),
      );
    } catch (error) {
      this.logger.warn({ threadId: thread.id, err: error }, 'failed to stream session events');
    }
  }

  @Post('interrupt')
  @HttpCode(200)
  @InterruptDocs()
  async interrupt(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
    const turn = await this.control.interrupt(thread, readActor(principal));
    if (turn !== undefined) noteTurn(request, turn);
    return {
      ok: true,
      interrupted: turn !== undefined,
      execution_id: turn === undefined ? null : toExecutionId(turn.id),
      thread_key: thread.key,
    };
  }

  /** Interrupts the active execution, for clients that release a session in centaur's way (useatrium/atrium, read). */
  @Post('cancel')
  @HttpCode(200)
  @CancelSessionDocs()
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const { release_id, cancel_inflight } = parseCancel(await readJsonBody(request));
    const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
    const turn = cancel_inflight ? await this.control.interrupt(thread, readActor(principal)) : undefined;
    if (turn !== undefined) noteTurn(request, turn);
    return {
      ok: true,
      release_id: release_id ?? null,
      cancel_inflight,
      cancelled: turn !== undefined,
      execution_id: turn === undefined ? null : toExecutionId(turn.id),
      thread_key: thread.key,
    };
  }

  @All()
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw new SessionException(405, 'only GET, POST and DELETE are allowed here');
  }

  @All('*rest')
  @ApiExcludeEndpoint()
  unknown(): never {
    throw new SessionException(404, 'there is no such route');
  }
}

function toStartedExecution(thread: Thread, turn: Turn): object {
  const warnings = readWarnings(turn);
  return {
    ok: true,
    execution_id: toExecutionId(turn.id),
    thread_key: thread.key,
    status: turn.state,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

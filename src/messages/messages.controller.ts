import { All, Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { readActor } from '../auth/actor.js';
import { CurrentPrincipal, type Principal, requirePolicies } from '../auth/principal.js';
import { methodNotAllowed } from '../anthropic/method-not-allowed.js';
import { readJsonBody } from '../http/read-body.js';
import { noteRequestFacts } from '../http/request-facts.js';
import { setThreadHeader, setTurnHeaders } from '../http/thread-headers.js';
import { describeHistory, TurnService } from '../turns/turn.service.js';
import { CancelMessageDocs, CreateMessageDocs } from './messages.docs.js';
import { parseCreateMessage } from './request/create-message.dto.js';
import { MessagePlanner } from './request/message-planner.js';
import { toMessageRequest } from './request/message-request.js';
import { CallerSigns } from './caller-signs.js';
import { AnswerService } from './response/answer.service.js';

/** Anthropic's Messages API. */
@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly planner: MessagePlanner,
    private readonly turns: TurnService,
    private readonly answers: AnswerService,
    private readonly signs: CallerSigns,
  ) {}

  /** Opens a turn for the request, or attaches to an existing one, and answers with its message. */
  @Post()
  @HttpCode(200)
  @CreateMessageDocs()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    this.signs.noteHeaders(principal, request);
    const body = parseCreateMessage(await readJsonBody(request));
    const sent = toMessageRequest((name) => request.get(name), body);
    if (sent.isSideRequest) this.signs.note(principal, sent.header);
    const plan = await this.planner.plan(principal, sent);
    const streams = body.stream === true;
    if (plan.kind === 'answer') {
      setThreadHeader(response, plan.threadKey);
      this.answers.sendPrepared(plan.message, response, streams);
      return;
    }
    const opened = await this.turns.open(plan.turn);
    noteRequestFacts(request, { threadId: opened.thread.id, turnId: opened.turn.id });
    setTurnHeaders(response, opened.thread.key, describeHistory(opened));
    if (streams) await this.answers.stream(opened, response, plan.options);
    else await this.answers.sendJson(opened, response, plan.options);
  }

  /** Interrupts the turn that answers with this message. Its callers get the partial answer and its end. */
  @Post(':messageId/cancel')
  @HttpCode(200)
  @CancelMessageDocs()
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @Param('messageId') messageId: string,
  ): Promise<{ cancelled: boolean }> {
    const { tenant } = principal;
    const policies = requirePolicies(principal);
    return { cancelled: await this.turns.cancel(tenant, messageId, policies, readActor(principal)) };
  }

  @All()
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw methodNotAllowed('POST');
  }
}

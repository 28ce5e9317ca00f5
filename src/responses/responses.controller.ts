import { All, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { readActor } from '../auth/actor.js';
import { CurrentPrincipal, type Principal, requirePolicies } from '../auth/principal.js';
import type { Query as RequestQuery } from '../http/query-parameter.js';
import { readJsonBody } from '../http/read-body.js';
import { noteRequestFacts } from '../http/request-facts.js';
import { setThreadHeader, setTurnHeaders } from '../http/thread-headers.js';
import { describeHistory, TurnService } from '../turns/turn.service.js';
import { TURN_STATE_HEADER } from './clients/codex/turn-metadata.js';
import { detectResponsesClient } from './clients/detect-responses-client.js';
import {
  CancelResponseDocs,
  CreateResponseDocs,
  DeleteResponseDocs,
  GetResponseDocs,
  InputItemsDocs,
} from './responses.docs.js';
import { parseCreateResponse } from './request/create-response.dto.js';
import { parseResponseQuery } from './request/response-query.js';
import { ResponsePlanner } from './request/response-planner.js';
import { toResponseOptions } from './request/stored-facts.js';
import { toInputItemList } from './response/input-items.js';
import { ResponseFinder } from './response/response-finder.js';
import { ResponseService } from './response/response.service.js';
import { ResponsesErrorFilter } from './response/responses-error.filter.js';
import { notOverWebSocket } from './response/route-errors.js';
import { sendSideAnswer } from './response/side-response.js';
import { methodNotServed } from '../openai/errors/openai.exception.js';
import { setOpenaiHeaders } from '../openai/response/openai-headers.js';

/** OpenAI's Responses API. */
@Controller('v1/responses')
@UseFilters(ResponsesErrorFilter)
export class ResponsesController {
  constructor(
    private readonly planner: ResponsePlanner,
    private readonly turns: TurnService,
    private readonly finder: ResponseFinder,
    private readonly responses: ResponseService,
  ) {}

  /** Opens a turn for the request, or attaches to an existing one, and answers with its response. */
  @Post()
  @HttpCode(200)
  @CreateResponseDocs()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const body = parseCreateResponse(await readJsonBody(request));
    const call = { header: (name: string) => request.get(name), body };
    const client = detectResponsesClient(call.header);
    const plan = await this.planner.plan(principal, call, client);
    if (plan.kind === 'side') {
      setThreadHeader(response, plan.threadKey);
      setOpenaiHeaders(response);
      sendSideAnswer(plan.answer, body.model, response, body.stream === true);
      return;
    }
    const opened = await this.turns.open(plan.turn);
    noteRequestFacts(request, { threadId: opened.thread.id, turnId: opened.turn.id });
    setTurnHeaders(response, opened.thread.key, describeHistory(opened));
    setOpenaiHeaders(response);
    const turnId = client.findTurnId(call);
    if (turnId !== undefined) response.setHeader(TURN_STATE_HEADER, turnId);
    const options = toResponseOptions(opened);
    if (body.stream === true) {
      const read = { sequence: -1, items: plan.received };
      await this.responses.stream(opened, options, response, read, () => this.turns.leave(opened));
      return;
    }
    try {
      if (body.background === true) await this.responses.sendCurrent(opened, options, response);
      else await this.responses.sendWhole(opened, options, response);
    } finally {
      this.turns.leave(opened);
    }
  }

  /** Reads a response: as it is now, or with `stream` its events after `starting_after`, and then live. */
  @Get(':responseId')
  @GetResponseDocs()
  async read(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('responseId') responseId: string,
    @Query() query: RequestQuery,
    @Res() response: Response,
  ): Promise<void> {
    const { isStream, startingAfter } = parseResponseQuery(query);
    const found = await this.finder.find(tenant, responseId);
    setOpenaiHeaders(response);
    if (isStream) {
      await this.responses.stream(found.opened, found.options, response, { sequence: startingAfter, items: new Set() });
    } else {
      await this.responses.sendCurrent(found.opened, found.options, response);
    }
  }

  /** Lists what the response answers. */
  @Get(':responseId/input_items')
  @InputItemsDocs()
  async inputItems(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('responseId') responseId: string,
  ): Promise<object> {
    return toInputItemList((await this.finder.find(tenant, responseId)).opened.turn);
  }

  /** Interrupts the turn of a response, and answers with what there is of it. One that has ended stays as it is. */
  @Post(':responseId/cancel')
  @HttpCode(200)
  @CancelResponseDocs()
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @Param('responseId') responseId: string,
    @Res() response: Response,
  ): Promise<void> {
    const { opened, options } = await this.finder.find(principal.tenant, responseId);
    const { messageId } = opened.turn;
    await this.turns.cancel(principal.tenant, messageId, requirePolicies(principal), readActor(principal));
    setOpenaiHeaders(response);
    await this.responses.sendEnded(opened, options, response);
  }

  /** Forgets a response. The thread keeps what was said. */
  @Delete(':responseId')
  @DeleteResponseDocs()
  async delete(@CurrentPrincipal() { tenant }: Principal, @Param('responseId') id: string): Promise<object> {
    await this.finder.delete(tenant, id);
    return { id, object: 'response', deleted: true };
  }

  /** Codex tries a WebSocket first where it is its own provider, and goes on with HTTP at once only after a 426. [Codex 0.169.0] */
  @All(['', ':responseId', ':responseId/input_items', ':responseId/cancel'])
  @ApiExcludeEndpoint()
  notAllowed(@Req() { method, path }: Request): never {
    throw method === 'GET' && /^\/v1\/responses\/?$/.test(path) ? notOverWebSocket() : methodNotServed();
  }
}

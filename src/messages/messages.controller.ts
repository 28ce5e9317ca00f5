import { All, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { AppConfig } from '../config/app-config.js';
import { ModelCatalog } from '../harness/models/model-catalog.js';
import { type ResolvedThread, type ThreadClues, ThreadResolver } from '../threads/thread.resolver.js';
import { AnthropicException } from '../anthropic/anthropic.exception.js';
import {
  type ContinuationPoint,
  MessageThreads,
  threadNotFound,
  assertSameModel,
} from '../turns/matching/message-threads.js';
import { newMessageId } from '../turns/message-id.js';
import { noSuchModel } from '../turns/new-thread.js';
import { isHistoryLost } from '../turns/running/stored-request.js';
import { TurnService } from '../turns/turn.service.js';
import { AnswerService } from './response/answer.service.js';
import { classifyAttempt } from './request/attempt.js';
import { type CreateMessageDto, parseCreateMessage } from './request/create-message.dto.js';
import { CancelMessageDocs, CreateMessageDocs } from './messages.docs.js';
import { readAnswerFormat } from './request/output-schema.js';
import { answerWithoutAgent } from './request/answer-without-agent.js';
import { readJsonBody } from '../http/read-body.js';
import { threadField } from './request/thread-field.js';
import { answerOptions, toTurnRequest, requestCaller, threadClues } from './request/to-turn-request.js';

/** The header that tells a caller which thread its message went to. */
export const THREAD_KEY_HEADER = 'x-chiron-thread-key';

/**
 * The header that tells a caller that the agent's own record of the thread was gone: it is told what was said before, and has nothing
 * else of it.
 */
export const HISTORY_HEADER = 'x-chiron-history';

/** Anthropic's Messages API. */
@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly resolver: ThreadResolver,
    private readonly turns: TurnService,
    private readonly messageThreads: MessageThreads,
    private readonly answers: AnswerService,
    private readonly models: ModelCatalog,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** Opens the turn that the request means, or attaches to it, and answers with its message. */
  @Post()
  @HttpCode(200)
  @CreateMessageDocs()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const body = parseCreateMessage(await readJsonBody(request));
    const clues = threadClues(request, body);
    const resolved = this.resolver.resolve(clues);
    const format = await readAnswerFormat(body, requestCaller(request));
    const options = answerOptions(request, body, this.config, { format, isSideRequest: clues.isSideRequest });
    const side = answerWithoutAgent({ body, isSideRequest: clues.isSideRequest, messageId: newMessageId() });
    if (side !== undefined) {
      const model = this.models.answeredModel(body.model);
      if (model === undefined) throw noSuchModel(body.model);
      response.setHeader(THREAD_KEY_HEADER, headerText(resolved.key));
      this.answers.sendPrepared({ ...side, model }, response, body.stream === true);
      return;
    }
    const answered = await this.answered(principal.tenant, body, clues, resolved);
    const { received, ...asked } = await toTurnRequest(request, body, {
      callerSystem: this.config.callerSystem,
      isSideRequest: clues.isSideRequest,
      after: answered?.conversationKey,
      form: options,
      outputSchema: format.schema,
    });
    const opened = await this.turns.open({
      ...asked,
      tenant: principal.tenant,
      threadKey: answered?.thread.key ?? resolved.key,
      isFreshThread: resolved.isFresh && answered === undefined,
      isSideRequest: clues.isSideRequest,
      continuesFrom: answered,
      attempt: classifyAttempt({
        ...asked,
        retryCount: request.get('x-stainless-retry-count'),
        isNameless: resolved.isFresh && threadField(body.thread) === undefined,
      }),
    });
    try {
      response.setHeader(THREAD_KEY_HEADER, headerText(opened.thread.key));
      if (isHistoryLost(opened.turn)) response.setHeader(HISTORY_HEADER, 'lost');
      if (body.stream === true) await this.answers.stream(opened, response, { ...options, received });
      else await this.answers.sendJson(opened, response, { ...options, received });
    } finally {
      this.turns.leave(opened);
    }
  }

  /** Interrupts the turn that answers with a message; its callers get what there is of it, and its end. */
  @Post(':messageId/cancel')
  @HttpCode(200)
  @CancelMessageDocs()
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @Param('messageId') messageId: string,
  ): Promise<{ cancelled: boolean }> {
    return { cancelled: await this.turns.cancel(principal.tenant, messageId) };
  }

  /** The answer that a request goes on from, when it holds only what is new. */
  private async answered(
    tenant: string,
    body: CreateMessageDto,
    { isSideRequest }: ThreadClues,
    { key, isFresh }: ResolvedThread,
  ): Promise<ContinuationPoint | undefined> {
    const field = threadField(body.thread);
    if (field?.type !== 'continue') return undefined;
    // A request beside the conversation has an agent of its own, which has heard nothing of it.
    if (isSideRequest) throw threadNotFound();
    const answered = await this.messageThreads.findContinuationPoint(
      tenant,
      field.previousMessageId,
      isFresh ? undefined : key,
    );
    assertSameModel(answered, body.model);
    return answered;
  }

  @All()
  @ApiExcludeEndpoint()
  notAllowed(): never {
    throw new AnthropicException('invalid_request_error', 'Only POST is allowed here.', {
      status: 405,
      headers: { allow: 'POST' },
    });
  }
}

/** A thread key as a header can carry it: UTF-8 bytes, as Node writes Latin-1. */
function headerText(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1');
}

import { Inject, Injectable } from '@nestjs/common';
import type { Message } from '../../anthropic/stream-event.js';
import { type Principal, requirePolicies } from '../../auth/principal.js';
import { AppConfig } from '../../config/app-config.js';
import { assertPermitted } from '../../domain/policy/permissions.js';
import { ModelCatalog } from '../../harness/models/model-catalog.js';
import { type ResolvedThread, ThreadResolver } from '../../threads/thread.resolver.js';
import {
  assertSameModel,
  type ContinuationPoint,
  MessageThreads,
  threadNotFound,
} from '../../turns/matching/message-threads.js';
import { createMessageId } from '../../turns/message-id.js';
import { noSuchModel } from '../../turns/matching/refusals.js';
import type { TurnRequest } from '../../turns/turn-request.js';
import type { AnswerOptions } from '../response/answer.service.js';
import { answerWithoutAgent } from './answer-without-agent.js';
import { CreateMessageDto } from './create-message.dto.js';
import { type MessageRequest, toThreadClues } from './message-request.js';
import { type AnswerFormat, readAnswerFormat } from './output-schema.js';
import { readPresentation } from './presentation.js';
import { parseThreadField } from './thread-field.js';
import { readCallerMcpServers } from './tools/caller-mcp.js';
import { readCallerTools, toDeclaration } from './tools/caller-tools.js';
import { toTurnRequest } from './to-turn-request.js';

/** The plan for a request: open a turn, or send a prepared answer. */
export type MessagePlan =
  | { readonly kind: 'answer'; readonly threadKey: string; readonly message: Message }
  | { readonly kind: 'turn'; readonly turn: TurnRequest; readonly options: AnswerOptions };

/** Plans a request to `POST /v1/messages`. Reads the store and changes nothing. */
@Injectable()
export class MessagePlanner {
  constructor(
    private readonly resolver: ThreadResolver,
    private readonly messageThreads: MessageThreads,
    private readonly models: ModelCatalog,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** Rejects with a ServiceError or an AnthropicException if the request is malformed or names something unknown. */
  async plan(principal: Principal, sent: MessageRequest): Promise<MessagePlan> {
    const thread = this.resolver.resolve(toThreadClues(sent));
    const continuesFrom = await this.findContinuationPoint(principal.tenant, sent, thread);
    const request = continuesFrom === undefined ? sent : await this.withInheritedTools(sent, continuesFrom);
    const format = await readAnswerFormat(request.body, request.client);
    const view = this.answerView(request, format);
    const prepared = answerWithoutAgent(request, createMessageId());
    if (prepared !== undefined) {
      const model = this.models.answeredModel(request.body.model);
      if (model === undefined) throw noSuchModel(request.body.model);
      return { kind: 'answer', threadKey: thread.key, message: { ...prepared, model } };
    }
    const policies = requirePolicies(principal);
    const { turn, received } = await toTurnRequest(request, {
      principal,
      policies,
      thread,
      continuesFrom,
      callerSystem: this.config.callerSystem,
      view,
      outputSchema: format.schema,
      callerTools: readCallerTools(request, this.config.callerTools),
      mcpServers: readCallerMcpServers(request, this.config),
    });
    assertPermitted(policies, {
      // The agent of a side request has no tools.
      toolBlocks: turn.isSideRequest ? undefined : view.presentation.toolBlocks,
      hasCallerTools: turn.callerTools !== undefined,
      // That of a side request is of its one answer, and part of its prompt.
      hasCallerSystem: turn.systemPrompt !== undefined && !turn.isSideRequest,
    });
    return { kind: 'turn', turn, options: { ...view, received } };
  }

  private answerView(request: MessageRequest, format: AnswerFormat): Omit<AnswerOptions, 'received'> {
    return {
      hasHardTimeout: request.client.hasHardTimeout,
      presentation: readPresentation(request, this.config, format.schema !== undefined),
      stopSequences: request.body.stop_sequences ?? [],
      forcedCall: format.call,
    };
  }

  /**
   * Adds the tools of the message thread to a request that has only the new messages: like `system`, they are part of the thread.
   * [@anthropic-ai/sdk 1.12.0, BetaToolRunner]
   */
  private async withInheritedTools(request: MessageRequest, point: ContinuationPoint): Promise<MessageRequest> {
    const { body } = request;
    if (body.tools !== undefined && body.tools !== null) return request;
    const inherited = await this.messageThreads.inheritedTools(point);
    if (inherited === undefined) return request;
    const tools = inherited.tools.map(toDeclaration);
    return { ...request, body: Object.assign(new CreateMessageDto(), body, { tools }) };
  }

  /** Finds the answer that a request continues, if it has only the new messages. */
  private async findContinuationPoint(
    tenant: string,
    { body, isSideRequest }: MessageRequest,
    { key, isFresh }: ResolvedThread,
  ): Promise<ContinuationPoint | undefined> {
    const field = parseThreadField(body.thread);
    if (field?.type !== 'continue') return undefined;
    // The agent of a side request has no history to continue.
    if (isSideRequest) throw threadNotFound();
    const point = await this.messageThreads.findContinuationPoint(
      tenant,
      field.previousMessageId,
      isFresh ? undefined : key,
    );
    assertSameModel(point, body.model);
    return point;
  }
}

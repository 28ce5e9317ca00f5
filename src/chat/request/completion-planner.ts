import { Inject, Injectable } from '@nestjs/common';
import { type Principal, requirePolicies } from '../../auth/principal.js';
import type { HeaderReader } from '../../clients/client-profile.js';
import { AppConfig } from '../../config/app-config.js';
import { assertPermitted } from '../../domain/policy/permissions.js';
import { keepText } from '../../domain/text-filter.js';
import { decodeHeader } from '../../http/header-text.js';
import { THREAD_KEY_HEADER } from '../../http/thread-headers.js';
import { readRequestedFormat } from '../../openai/request/requested-format.js';
import { readNewest, sliceNewest } from '../../openai/request/conversation-entry.js';
import { readFunctionTools, readRequiredCall, type ToolsRequest } from '../../openai/request/function-tools.js';
import { joinSystemPrompt, type RequestClient, toOpenaiTurn } from '../../openai/request/to-openai-turn.js';
import { readToolSetting } from '../../openai/request/tool-setting.js';
import { findThreadKeyProblem } from '../../threads/thread-key.js';
import { ThreadResolver } from '../../threads/thread.resolver.js';
import type { TurnRequest } from '../../turns/turn-request.js';
import type { CompletionView } from '../translate/completion-state.js';
import { toShownContent } from '../translate/shown-content.js';
import { type CreateCompletionDto, readStopSequences } from './create-completion.dto.js';
import { readMessages } from './read-messages.js';

/** A request to `POST /v1/chat/completions`. */
export interface CompletionCall {
  readonly header: HeaderReader;
  readonly body: CreateCompletionDto;
}

/** The turn that a request asks for, and the form of its answer. */
export interface CompletionPlan {
  readonly turn: TurnRequest;
  readonly view: CompletionView;
}

/** Any client: every request is a turn, and every text is the user's. */
const CLIENT: RequestClient = {
  kind: 'chat',
  sendsWholeConversation: false,
  countsRetries: true,
  filterText: keepText,
  findSummary: () => undefined,
};

/** Plans a request to `POST /v1/chat/completions`. Changes nothing. */
@Injectable()
export class CompletionPlanner {
  constructor(
    private readonly resolver: ThreadResolver,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** Rejects with a ServiceError if the request is malformed or asks for what a policy forbids. */
  async plan(principal: Principal, call: CompletionCall): Promise<CompletionPlan> {
    const { header, body } = call;
    const policies = requirePolicies(principal);
    const entries = readMessages(body.messages);
    const thread = this.resolver.resolve({
      threadKey: findNamedThread(call),
      session: undefined,
      isSideRequest: false,
    });
    const tools = toToolsRequest(call);
    const required = await readRequiredCall(tools);
    const format = await readRequestedFormat(body.response_format, 'response_format');
    const outputSchema = required?.schema ?? format.schema;
    const toolSetting = readToolSetting(header, this.config);
    const view: CompletionView = {
      // A program parses an answer in JSON.
      hasToolLines: toolSetting !== 'none' && outputSchema === undefined,
      stopSequences: readStopSequences(body),
      forcedCall: required?.call,
    };
    const turn = await toOpenaiTurn({
      header,
      client: CLIENT,
      principal,
      policies,
      thread,
      continuesFrom: undefined,
      isSideRequest: false,
      entries,
      input: readNewest(sliceNewest(entries), keepText, 'messages'),
      userIds: [body.safety_identifier, body.user],
      maker: undefined,
      requestName: undefined,
      isAddition: false,
      interrupts: false,
      callerTools: readFunctionTools(tools, this.config.callerTools),
      outputSchema,
      model: body.model,
      systemPrompt: this.config.callerSystem === 'ignore' ? undefined : joinSystemPrompt(undefined, entries),
      isReadByPerson: false,
      asShown: (message) => toShownContent(message, view),
      // As the Responses API, which may be asked for the turn, has them.
      doorData: { format: format.echo, ...(required === undefined ? {} : { call: { ...required.call } }) },
    });
    assertPermitted(policies, {
      toolBlocks: toolSetting === 'none' ? 'none' : view.hasToolLines ? 'text' : undefined,
      hasCallerTools: turn.callerTools !== undefined,
      hasCallerSystem: turn.systemPrompt !== undefined,
    });
    return { turn, view };
  }
}

/** Programs that cannot send a header name their thread by the field `user`. Other ids of users are no thread keys. */
function findNamedThread({ header, body: { user } }: CompletionCall): string | undefined {
  const key = header(THREAD_KEY_HEADER);
  if (key !== undefined) return decodeHeader(key);
  return typeof user === 'string' && findThreadKeyProblem(user) === undefined ? user : undefined;
}

function toToolsRequest({ header, body }: CompletionCall): ToolsRequest {
  return {
    header,
    tools: body.tools,
    toolChoice: body.tool_choice,
    allowsParallelCalls: body.parallel_tool_calls !== false,
    functionsAre: 'nested',
    lendsTools: true,
  };
}

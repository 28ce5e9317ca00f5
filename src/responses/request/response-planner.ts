import { Inject, Injectable } from '@nestjs/common';
import { type Principal, requirePolicies } from '../../auth/principal.js';
import { AppConfig } from '../../config/app-config.js';
import { assertPermitted } from '../../domain/policy/permissions.js';
import { ServiceError } from '../../domain/service-error.js';
import type { ToolBlockForm } from '../../domain/tool-block-form.js';
import { decodeHeader } from '../../http/header-text.js';
import { THREAD_KEY_HEADER } from '../../http/thread-headers.js';
import { type ResolvedThread, ThreadResolver } from '../../threads/thread.resolver.js';
import { type ContinuationPoint, MessageThreads } from '../../turns/matching/message-threads.js';
import type { Seeding, ThreadBranch, TurnRequest } from '../../turns/turn-request.js';
import type { ResponsesCall, ResponsesClient, SideAnswer } from '../clients/responses-client.js';
import { ResponseFinder } from '../response/response-finder.js';
import type { ResponseToolForm } from '../translate/response-state.js';
import { findItemTurn, toTurnMessageId } from '../wire/response-ids.js';
import { toConversationClue } from './conversation-id.js';
import { readFunctionTools, readRequiredCall, type ToolsRequest } from '../../openai/request/function-tools.js';
import { type ConversationEntry, findNewest } from '../../openai/request/conversation-entry.js';
import { ItemReferences } from './item-references.js';
import { assertReadable, readInput } from './read-input.js';
import { readRequestedFormat } from '../../openai/request/requested-format.js';
import { readToolForm } from './tool-form.js';
import { toResponseTurn } from './to-response-turn.js';
import { TurnWords } from './turn-words.js';

/** The plan for a request: open a turn, or answer without an agent. */
export type ResponsePlan =
  | {
      readonly kind: 'side';
      readonly threadKey: string;
      readonly answer: Exclude<SideAnswer, { readonly kind: 'agent' }>;
    }
  | {
      readonly kind: 'turn';
      readonly turn: TurnRequest;
      /** The items of the response that the caller has already; they are not sent again. */
      readonly received: ReadonlySet<string>;
    };

/** The forms by which policies know those of this API. */
const POLICY_FORM: Readonly<Record<ResponseToolForm, ToolBlockForm>> = {
  calls: 'mcp',
  lines: 'text',
  both: 'text',
  none: 'none',
};

/** Plans a request to `POST /v1/responses`. Reads the store and changes nothing. */
@Injectable()
export class ResponsePlanner {
  constructor(
    private readonly resolver: ThreadResolver,
    private readonly messageThreads: MessageThreads,
    private readonly references: ItemReferences,
    private readonly finder: ResponseFinder,
    private readonly words: TurnWords,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** Rejects with a ServiceError if the request is malformed or names something unknown. */
  async plan(principal: Principal, call: ResponsesCall, client: ResponsesClient): Promise<ResponsePlan> {
    const { body } = call;
    const items = readInput(body.input);
    const entries = await this.references.resolve(principal.tenant, client.arrange(items));
    const side = client.sideAnswer(call, entries);
    const thread = this.resolve(call, client, side !== undefined);
    if (side !== undefined && side.kind !== 'agent') return { kind: 'side', threadKey: thread.key, answer: side };
    assertReadable(body.input, findFirstNew(entries));

    const policies = requirePolicies(principal);
    const isSideRequest = side !== undefined;
    const continuesFrom = isSideRequest ? undefined : await this.findContinuationPoint(principal.tenant, call, thread);
    const tools = toToolsRequest(call, client);
    const required = isSideRequest ? undefined : await readRequiredCall(tools);
    const format = await readRequestedFormat(body.text?.['format'], 'text.format');
    const toolForm = readToolForm(call, client, this.config, format.schema !== undefined);
    const turn = await toResponseTurn(call, client, {
      principal,
      policies,
      thread,
      isSideRequest,
      continuesFrom,
      entries,
      interrupts: client.wasInterrupted(items),
      words: await this.words.find(principal.tenant, call, client, thread, entries),
      ignoresInstructions: this.config.callerSystem === 'ignore',
      callerTools: isSideRequest ? undefined : readFunctionTools(tools, this.config.callerTools),
      required,
      format,
      toolForm,
      toolOutputLimit: this.config.toolOutputLimit,
    });
    assertPermitted(policies, {
      // The agent of a side request has no tools.
      toolBlocks: isSideRequest ? undefined : POLICY_FORM[toolForm],
      hasCallerTools: turn.callerTools !== undefined,
      hasCallerSystem: turn.systemPrompt !== undefined && !isSideRequest,
    });
    const branch = await this.findBranch(turn, thread);
    return { kind: 'turn', turn: { ...turn, branch }, received: findReceived(body.input) };
  }

  /** Makes the thread of a request that continues an older response, as OpenAI's API has it, and names no thread. */
  private async findBranch(turn: TurnRequest, { key, isFresh }: ResolvedThread): Promise<ThreadBranch | undefined> {
    const { continuesFrom, prompt, toolResults } = turn;
    if (continuesFrom === undefined || !isFresh || toolResults !== undefined) return undefined;
    const seed = await this.messageThreads.loadBranch(continuesFrom);
    if (seed === undefined) return undefined;
    const answerKey = continuesFrom.conversationKey;
    const toSeeding = (): Seeding => ({ seed, prompt });
    return { threadKey: key, history: { promptKey: '', answerKey, asShown: ({ content }) => content, toSeeding } };
  }

  private resolve(call: ResponsesCall, client: ResponsesClient, isSideRequest: boolean): ResolvedThread {
    const key = call.header(THREAD_KEY_HEADER);
    return this.resolver.resolve({
      threadKey: key === undefined ? undefined : decodeHeader(key),
      session: client.findSession(call) ?? toConversationClue(call),
      isSideRequest,
    });
  }

  /** Finds the response that a request continues, if it names one. */
  private async findContinuationPoint(
    tenant: string,
    { body }: ResponsesCall,
    { key, isFresh }: ResolvedThread,
  ): Promise<ContinuationPoint | undefined> {
    const { previous_response_id: previous } = body;
    if (previous === undefined || previous === null) return undefined;
    const messageId = toTurnMessageId(previous);
    if (messageId === undefined) throw previousNotFound(previous);
    try {
      await this.finder.find(tenant, previous);
      return await this.messageThreads.findContinuationPoint(tenant, messageId, isFresh ? undefined : key);
    } catch (error) {
      throw error instanceof ServiceError ? previousNotFound(previous) : error;
    }
  }
}

function toToolsRequest({ header, body }: ResponsesCall, { lendsTools }: ResponsesClient): ToolsRequest {
  return {
    header,
    tools: body.tools,
    toolChoice: body.tool_choice,
    allowsParallelCalls: body.parallel_tool_calls !== false,
    functionsAre: 'flat',
    lendsTools,
  };
}

/** The place in the input after the last item of the agent. */
function findFirstNew(entries: readonly ConversationEntry[]): number {
  return (entries[findNewest(entries) - 1]?.index ?? -1) + 1;
}

/** Codex sends the items of an answer that broke off back with its retry, under our ids. [codex-retry-after-cut.jsonl] */
function findReceived(input: string | readonly unknown[]): ReadonlySet<string> {
  if (typeof input === 'string') return new Set();
  const ids = input.map((item) => Reflect.get(Object(item), 'id') as unknown);
  return new Set(ids.filter((id) => typeof id === 'string').filter((id) => findItemTurn(id) !== undefined));
}

function previousNotFound(id: string): ServiceError {
  return new ServiceError(
    'not_found',
    `previous_response_id: there is no response ${id.slice(0, 100)} with an answer here`,
    {
      code: 'previous_response_not_found',
    },
  );
}

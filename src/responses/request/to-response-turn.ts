import type { Principal } from '../../auth/principal.js';
import type { CallerTools } from '../../domain/caller-tool.js';
import { asObject } from '../../domain/json.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import type { RequestedFormat } from '../../openai/request/requested-format.js';
import {
  type ConversationEntry,
  type NewestInput,
  readNewest,
  sliceNewest,
} from '../../openai/request/conversation-entry.js';
import type { RequiredCall } from '../../openai/request/function-tools.js';
import { joinSystemPrompt, toOpenaiTurn } from '../../openai/request/to-openai-turn.js';
import type { ResolvedThread } from '../../threads/thread.resolver.js';
import type { ContinuationPoint } from '../../turns/matching/message-threads.js';
import type { TurnRequest } from '../../turns/turn-request.js';
import type { ResponsesCall, ResponsesClient } from '../clients/responses-client.js';
import type { ResponseToolForm, ResponseView } from '../translate/response-state.js';
import { readConversationId } from './conversation-id.js';
import { toStoredFacts } from './stored-facts.js';
import { isSaid, type TurnWordsFound } from './turn-words.js';

/** The inputs of a turn that are not in the request itself, or were read from it before. */
export interface ResponseTurnContext {
  readonly principal: Pick<Principal, 'tenant' | 'keyId'>;
  readonly policies: AppliedPolicies;
  readonly thread: ResolvedThread;
  readonly isSideRequest: boolean;
  /** The response that the request continues; `undefined` for none. */
  readonly continuesFrom: ContinuationPoint | undefined;
  readonly entries: readonly ConversationEntry[];
  readonly interrupts: boolean;
  /** What the request brings to a turn that its client has a name for. */
  readonly words: TurnWordsFound | undefined;
  readonly ignoresInstructions: boolean;
  readonly callerTools: CallerTools | undefined;
  readonly required: RequiredCall | undefined;
  readonly format: RequestedFormat;
  readonly toolForm: ResponseToolForm;
  readonly toolOutputLimit: number;
}

/** Converts a request to a request for a turn. Rejects with a ServiceError (`bad_request`) without a prompt, or for a malformed header. */
export async function toResponseTurn(
  call: ResponsesCall,
  client: ResponsesClient,
  context: ResponseTurnContext,
): Promise<TurnRequest> {
  const { header, body } = call;
  const { entries, words, required, format } = context;
  return toOpenaiTurn({
    header,
    client,
    principal: context.principal,
    policies: context.policies,
    thread: context.thread,
    continuesFrom: context.continuesFrom,
    isSideRequest: context.isSideRequest,
    entries,
    input: readSaid(client, context),
    userIds: [body.safety_identifier, body.user],
    maker: client.findMaker(call),
    requestName: words?.key,
    // Words that are typed while the turn runs are for that turn.
    isAddition: words?.areAdded === true,
    interrupts: context.interrupts,
    callerTools: context.callerTools,
    outputSchema: required?.schema ?? format.schema,
    isReadByPerson: context.toolForm === 'lines' || context.toolForm === 'both',
    model: body.model,
    systemPrompt: readInstructions(call, client, context),
    asShown: ({ content }) => content,
    doorData: toStoredFacts(
      {
        background: body.background === true,
        store: body.store !== false,
        parallelToolCalls: body.parallel_tool_calls !== false,
        metadata: asObject(body.metadata),
        previousResponseId: body.previous_response_id ?? undefined,
        conversationId: readConversationId(call),
        textFormat: format.echo,
      },
      toView(call, client, context),
    ),
  });
}

function toView(
  { body }: ResponsesCall,
  { view }: ResponsesClient,
  { toolForm, toolOutputLimit, required }: ResponseTurnContext,
): ResponseView {
  const included: readonly unknown[] = body.include ?? [];
  return {
    ...view,
    toolForm,
    toolOutputLimit,
    hasEncryptedReasoning: included.includes('reasoning.encrypted_content'),
    // A background response is read by its id, so its reader knows that it was cancelled.
    endsCancelled: view.endsCancelled || body.background === true,
    ...(required === undefined ? {} : { forcedCall: required.call }),
  };
}

/** Reads what the newest entries say, without what earlier requests of the same turn have brought. */
function readSaid(client: ResponsesClient, { entries, words }: ResponseTurnContext): NewestInput {
  const said = sliceNewest(entries);
  if (words === undefined || words.known === 0) return readNewest(said, client.filterText, 'input');
  let known = words.known;
  return readNewest(
    said.filter(({ role, blocks }) => role !== 'user' || !isSaid(blocks, client) || known-- <= 0),
    client.filterText,
    'input',
  );
}

function readInstructions(
  { body }: ResponsesCall,
  { hasInstructions }: ResponsesClient,
  { entries, ignoresInstructions, isSideRequest }: ResponseTurnContext,
): string | undefined {
  // Those of a side request apply to its one answer.
  if (!isSideRequest && (!hasInstructions || ignoresInstructions)) return undefined;
  return joinSystemPrompt(body.instructions, entries);
}

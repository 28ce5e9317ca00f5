import type { JsonObject } from '../../domain/harness-event.js';
import { asNumber, asObject, asString } from '../../domain/json.js';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { readDoorData, toTranslateOptions } from '../../turns/running/input/stored-request.js';
import type { ForcedCall } from '../../translator/views/forced-tool.js';
import {
  RESPONSE_TOOL_FORMS,
  type ResponseOptions,
  type ResponseToolForm,
  type ResponseView,
} from '../translate/response-state.js';
import type { ResponseFacts } from '../wire/response-object.js';
import { toResponseId } from '../wire/response-ids.js';

/** What a response repeats of its request. */
export interface RequestEcho {
  readonly background: boolean;
  readonly store: boolean;
  readonly parallelToolCalls: boolean;
  readonly metadata: JsonObject;
  readonly previousResponseId: string | undefined;
  readonly conversationId: string | undefined;
  readonly textFormat: JsonObject;
}

/** The limit for outputs of tools in turns that were not asked for in this API. */
const DEFAULT_OUTPUT_LIMIT = 10_000;

/** Makes what is stored with a turn, so that each reader gets the same response: see {@link toResponseOptions}. */
export function toStoredFacts(echo: RequestEcho, view: ResponseView): JsonObject {
  return {
    background: echo.background,
    store: echo.store,
    parallel: echo.parallelToolCalls,
    metadata: echo.metadata,
    previous: echo.previousResponseId ?? null,
    conversation: echo.conversationId ?? null,
    format: echo.textFormat,
    tools: view.toolForm,
    limit: view.toolOutputLimit,
    encrypted: view.hasEncryptedReasoning,
    usage: view.usageOf,
    cancelled: view.endsCancelled,
    ...(view.forcedCall === undefined ? {} : { call: { ...view.forcedCall } }),
  };
}

/** Reads what it takes to make the response of a turn. Turns of other doors have defaults. */
export function toResponseOptions({ turn, thread }: OpenedTurn): ResponseOptions {
  const stored = readDoorData(turn);
  const { messageId, model } = toTranslateOptions(turn, thread);
  return { messageId, facts: toFacts(stored, messageId, model, turn.createdAt), view: toView(stored) };
}

function toFacts(stored: JsonObject, messageId: string, model: string, createdAt: number): ResponseFacts {
  const conversation = asString(stored['conversation']);
  return {
    id: toResponseId(messageId),
    object: 'response',
    created_at: Math.floor(createdAt / 1000),
    model,
    background: stored['background'] === true,
    conversation: conversation === undefined ? null : { id: conversation },
    instructions: null,
    max_output_tokens: null,
    metadata: asObject(stored['metadata']),
    parallel_tool_calls: stored['parallel'] !== false,
    previous_response_id: asString(stored['previous']) ?? null,
    reasoning: { effort: null, summary: null },
    store: stored['store'] !== false,
    temperature: 1,
    text: { format: stored['format'] === undefined ? { type: 'text' } : asObject(stored['format']) },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    user: null,
  };
}

function toView(stored: JsonObject): ResponseView {
  const call = toForcedCall(asObject(stored['call']));
  return {
    toolForm: toToolForm(asString(stored['tools'])),
    toolOutputLimit: asNumber(stored['limit']) ?? DEFAULT_OUTPUT_LIMIT,
    hasEncryptedReasoning: stored['encrypted'] === true,
    usageOf: stored['usage'] === 'last-call' ? 'last-call' : 'turn',
    endsCancelled: stored['cancelled'] === true,
    ...(call === undefined ? {} : { forcedCall: call }),
  };
}

function toToolForm(stored: string | undefined): ResponseToolForm {
  return RESPONSE_TOOL_FORMS.find((form) => form === stored) ?? 'calls';
}

function toForcedCall({ kind, name }: JsonObject): ForcedCall | undefined {
  if (kind === 'choice') return { kind };
  return kind === 'tool' && typeof name === 'string' ? { kind, name } : undefined;
}

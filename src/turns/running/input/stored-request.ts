import type { JsonObject, TokenUsage } from '../../../domain/harness-event.js';
import type { CallerToolResult } from '../../../domain/caller-tool.js';
import { asJson, asObject, asObjects, asString, asStrings, isJsonObject } from '../../../domain/json.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import { type AgentRules, readStoredRules, toStoredRules } from '../../../domain/policy/agent-rules.js';
import type { AppliedPolicies } from '../../../domain/policy/policy.js';
import { type Prompt, withHistory } from '../../../domain/prompt.js';
import { parseTraceparent, renderTraceparent, type TraceParent } from '../../../domain/traceparent.js';
import type { SeedMessage } from '../../../domain/seed/seed-message.js';
import type { Thread } from '../../../storage/stores/thread.store.js';
import type { Turn } from '../../../storage/stores/turn.js';
import type { TranslateOptions } from '../../../translator/translate.js';
import { toAnsweredModel } from '../../answered-model.js';
import type { AgentSeed } from '../../memory/thread-memory.js';
import type { TurnRequest } from '../../turn-request.js';

/**
 * Returns the fields that a turn stores of its request, besides the prompt: its options, and the thread's context usage when it
 * was opened, so that every reader gets the same `message_start`.
 *
 * The last parameter is the earlier conversation that the agent does not know; none by default.
 */
export function toStoredRequest(
  thread: Thread | undefined,
  request: Partial<Pick<TurnRequest, 'doorData' | 'outputSchema' | 'traceparent'>> & {
    /** The results of the caller's tools with which the agent continues. */
    readonly results?: readonly CallerToolResult[];
    readonly mcpServers?: readonly McpServer[];
    /** The id of the turn's caller tools, if it has any. */
    readonly toolSetId?: string | undefined;
    /** The policies that bind its caller. */
    readonly policies?: AppliedPolicies;
    /** What is not done as the request asks, in sentences for the user. */
    readonly warnings?: readonly string[] | undefined;
    /** What others did on the thread meanwhile, for the person who reads the answer. */
    readonly meanwhile?: string | undefined;
  } = {},
  { seed, isLost, dropFrom }: Omit<AgentSeed, 'prompt'> = { seed: [], isLost: false },
): JsonObject {
  const trace = parseTraceparent(request.traceparent);
  const rules = toStoredRules(request.policies ?? []);
  return {
    contextUsage: thread?.contextUsage ?? null,
    // The store makes its own copy of what it is given, and another one of megabytes would take milliseconds.
    ...(seed.length === 0 ? {} : { seed: asJson(seed) }),
    ...(isLost ? { historyLost: true } : {}),
    ...(dropFrom === undefined ? {} : { dropFrom }),
    ...(request.outputSchema === undefined ? {} : { outputSchema: request.outputSchema }),
    ...(request.toolSetId === undefined ? {} : { toolSet: request.toolSetId }),
    ...(request.results === undefined || request.results.length === 0 ? {} : { toolResults: asJson(request.results) }),
    ...(request.mcpServers === undefined || request.mcpServers.length === 0
      ? {}
      : { mcpServers: request.mcpServers.map(withoutHeaders) }),
    ...(rules === undefined ? {} : { agentRules: rules }),
    ...(request.doorData === undefined ? {} : { door: request.doorData }),
    ...(trace === undefined ? {} : { traceId: trace.traceId, traceparent: renderTraceparent(trace) }),
    ...(request.warnings === undefined || request.warnings.length === 0 ? {} : { warnings: request.warnings }),
    ...(request.meanwhile === undefined ? {} : { meanwhile: request.meanwhile }),
  };
}

/** Reads what the door of the turn's request stored with it; empty for nothing. */
export function readDoorData({ request }: Pick<Turn, 'request'>): JsonObject {
  return asObject(request['door']);
}

/** Reads what policies decide about the turn's agent. */
export function readAgentRules({ request }: Pick<Turn, 'request'>): AgentRules {
  return readStoredRules(request['agentRules']);
}

/** Reads what was not done as the turn's request asked, in sentences for the user; empty for nothing. */
export function readWarnings(turn: Turn): readonly string[] {
  return asStrings(turn.request['warnings']);
}

/** Reads what the person who reads the turn's answer is told of others; `undefined` for nothing. */
export function readMeanwhile({ request }: Pick<Turn, 'request'>): string | undefined {
  return asString(request['meanwhile']);
}

/** Reads the id of the caller's tools of a turn, if it has any. */
export function readToolSetId(turn: Turn): string | undefined {
  return asString(turn.request['toolSet']);
}

/** The headers hold the caller's tokens, which are not stored. */
function withoutHeaders({ name, url, allowedTools }: McpServer): JsonObject {
  return { name, url, ...(allowedTools === undefined ? {} : { allowedTools }) };
}

/** Reads the MCP servers of the turn's request, without their headers. */
export function readMcpServers(turn: Turn): readonly Omit<McpServer, 'headers'>[] {
  return asObjects(turn.request['mcpServers']).map(({ name, url, allowedTools }) => ({
    name: asString(name) ?? '',
    url: asString(url) ?? '',
    allowedTools: allowedTools === undefined ? undefined : asStrings(allowedTools),
  }));
}

/** Reads the results that the turn's caller gave; empty for none. */
export function readGivenResults(turn: Turn): readonly CallerToolResult[] {
  const { toolResults } = turn.request;
  // Only `toStoredRequest` writes it.
  return Array.isArray(toolResults) ? toolResults : [];
}

/** Reads the earlier conversation that seeds the turn's agent; empty for none. */
export function readSeed({ request }: Pick<Turn, 'request'>): readonly SeedMessage[] {
  const { seed } = request;
  // Only `toStoredRequest` writes it.
  return Array.isArray(seed) ? seed : [];
}

/** Reads the turn's prompt. Version 0.1.0 stored an earlier conversation as a prompt of its own, which goes before it. */
export function readPrompt({ request, prompt }: Pick<Turn, 'request' | 'prompt'>): Prompt {
  const { history } = request;
  return withHistory(Array.isArray(history) ? history : [], prompt);
}

/** Reads the turn from which on the agent's record is to be removed before this turn, if any. */
export function readDropFrom({ request }: Pick<Turn, 'request'>): string | undefined {
  const { dropFrom } = request;
  return typeof dropFrom === 'string' ? dropFrom : undefined;
}

/** Whether the agent's own record of earlier turns was missing when the turn was opened. */
export function isHistoryLost(turn: Turn): boolean {
  return turn.request['historyLost'] === true;
}

/** Reads the JSON Schema that the turn's answer must follow, if any. */
export function readOutputSchema(turn: Turn): JsonObject | undefined {
  const { outputSchema } = turn.request;
  return isJsonObject(outputSchema) ? outputSchema : undefined;
}

/** The log fields of a turn: its id, and the trace id of the request that opened it, if it had one. */
export function toLogFields(turn: Turn): { readonly turnId: string; readonly traceId?: string } {
  const { traceId } = turn.request;
  return typeof traceId === 'string' ? { turnId: turn.id, traceId } : { turnId: turn.id };
}

/** Reads where the turn is in a trace, if its request was in one. Turns of version 0.1.0 have the id of the trace alone. */
export function readTraceParent(turn: Turn): TraceParent | undefined {
  return parseTraceparent(readTraceparentText(turn));
}

/** Reads the same as the header `traceparent`. */
export function readTraceparentText({ request }: Pick<Turn, 'request'>): string | undefined {
  return asString(request['traceparent']);
}

/** Returns the translator's options for a turn. */
export function toTranslateOptions(turn: Turn, thread: Thread): TranslateOptions {
  return {
    messageId: turn.messageId,
    // The stored model wins: the thread may have another agent by now, and every reader must get the same message.
    model: turn.message?.model ?? toAnsweredModel(thread),
    knownUsage: tokenUsage(turn.request['contextUsage']),
  };
}

function tokenUsage(stored: JsonObject[string] | undefined): TokenUsage | null {
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return null;
  const fields = new Map(Object.entries(stored));
  const count = (name: keyof TokenUsage): number => {
    const value = fields.get(name);
    return typeof value === 'number' ? value : 0;
  };
  const hour = count('cacheCreation1hInputTokens');
  return {
    inputTokens: count('inputTokens'),
    outputTokens: count('outputTokens'),
    cacheReadInputTokens: count('cacheReadInputTokens'),
    cacheCreationInputTokens: count('cacheCreationInputTokens'),
    thinkingTokens: count('thinkingTokens'),
    ...(hour === 0 ? {} : { cacheCreation1hInputTokens: hour }),
  };
}

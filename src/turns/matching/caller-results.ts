import type { CallerToolCall, CallerToolResult } from '../../domain/caller-tool.js';
import type { Prompt } from '../../domain/prompt.js';
import type { OpeningRefusal } from './refusals.js';

/** The results of the caller's tools in a message. */
export interface GivenResults {
  /** Not empty. */
  readonly results: readonly CallerToolResult[];
  /** The message without the results; may be empty. */
  readonly promptBeside: Prompt;
}

/** The parts of a request that may answer calls of the caller's tools. */
export interface AnsweringRequest {
  /** The whole message, with the results of tools as text. */
  readonly prompt: Prompt;
  /** Absent if the message has no results. */
  readonly toolResults?: GivenResults | undefined;
}

/** What the store knows of a thread's calls. */
export interface CallFacts {
  /** The calls that the thread's agent waits for; empty if it does not wait. */
  readonly waitingCalls: readonly CallerToolCall[];
  /** Those of the request's results that are for other calls of the thread: they have an answer, or the agent went on without one. */
  readonly closedCallIds: readonly string[];
}

/** The input of a turn: results for all calls that the agent waits for, or a message. */
export interface TurnInput {
  /** Empty only if there are results. */
  readonly prompt: Prompt;
  readonly results: readonly CallerToolResult[];
}

/**
 * Returns why a request's results cannot be taken; `undefined` if they can. The API's rules: each waiting call has one result, and each
 * result has a waiting call. A request without results is no answer: the agent goes on without them.
 */
export function refuseResults(
  { toolResults }: AnsweringRequest,
  { waitingCalls, closedCallIds }: CallFacts,
): OpeningRefusal | undefined {
  if (toolResults === undefined) return undefined;
  const given = toolResults.results.map(({ callId }) => callId);
  if (waitingCalls.length === 0) {
    // With a new message, they are the history of an agent that was interrupted. Unknown ones are of a conversation from elsewhere.
    const isRepeated = closedCallIds.length > 0 && toolResults.promptBeside.length === 0;
    return isRepeated ? { reason: 'unexpected-results', callIds: closedCallIds } : undefined;
  }
  const waiting = waitingCalls.map(({ id }) => id);
  const unexpected = given.filter((id) => !waiting.includes(id));
  if (unexpected.length > 0) return { reason: 'unexpected-results', callIds: unexpected };
  const missing = waiting.filter((id) => !given.includes(id));
  if (missing.length > 0) return { reason: 'missing-results', callIds: missing };
  const repeated = given.filter((id, index) => given.indexOf(id) < index);
  return repeated.length > 0 ? { reason: 'repeated-results', callIds: repeated } : undefined;
}

/** Returns the input of the turn of a request that {@link refuseResults} does not refuse. */
export function selectInput(
  { prompt, toolResults }: AnsweringRequest,
  { waitingCalls, closedCallIds }: CallFacts,
): TurnInput {
  if (toolResults === undefined) return { prompt, results: [] };
  const { results, promptBeside } = toolResults;
  if (waitingCalls.length > 0) return { prompt: promptBeside, results };
  return { prompt: closedCallIds.length === results.length ? promptBeside : prompt, results: [] };
}

const GO_ON: Prompt = [{ type: 'text', text: 'Go on with the results of these calls.' }];

/**
 * Returns the prompt for an agent that is seeded with the request's own conversation: the seed has the results of its tools, so that only
 * the rest of the message is left.
 */
export function promptAfterSeed({ prompt, toolResults }: AnsweringRequest): Prompt {
  if (toolResults === undefined) return prompt;
  return toolResults.promptBeside.length === 0 ? GO_ON : toolResults.promptBeside;
}

const NOT_RUN = 'The caller did not run this tool: it continued with another message.';

/** Completes the results that a turn was given: the agent hears of a call without one that the caller did not run it. */
export function completeResults(
  calls: readonly CallerToolCall[],
  given: readonly CallerToolResult[],
): readonly CallerToolResult[] {
  return calls.map(
    ({ id }) =>
      given.find(({ callId }) => callId === id) ?? {
        callId: id,
        content: [{ type: 'text', text: NOT_RUN }],
        isError: true,
      },
  );
}

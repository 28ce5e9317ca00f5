import { quoteForCaller, ServiceError } from '../../domain/service-error.js';
import { threadNotFound } from './message-threads.js';

/** Why a request gets no turn. */
export type OpeningRefusal =
  /** The server is about to stop. */
  | { readonly reason: 'draining' }
  /** Too many turns wait on this server. */
  | { readonly reason: 'overloaded' }
  /** The disk of the server is almost full. */
  | { readonly reason: 'disk-low' }
  /** No harness here serves this model, or the harness of an older thread is not available. */
  | { readonly reason: 'no-such-model'; readonly model: string }
  /** The request declares tools, and the agents of this harness cannot call them. */
  | { readonly reason: 'no-caller-tools'; readonly harness: string }
  /** The request has MCP servers, and the agents of this harness cannot be given any. */
  | { readonly reason: 'no-mcp-servers'; readonly harness: string }
  /** The request is a side request, and the agents of this harness cannot go without their tools. */
  | { readonly reason: 'needs-tools'; readonly harness: string }
  /** The agent waits for calls for which the request has no results. */
  | { readonly reason: 'missing-results'; readonly callIds: readonly string[] }
  /** The request has results for calls that the agent does not wait for. */
  | { readonly reason: 'unexpected-results'; readonly callIds: readonly string[] }
  /** The request has several results for one call. */
  | { readonly reason: 'repeated-results'; readonly callIds: readonly string[] }
  /** The thread of the answer that the request continues is gone. */
  | { readonly reason: 'thread-not-found' }
  /** Another request has continued that answer, and its turn has ended. */
  | { readonly reason: 'already-continued' }
  /** Another request continues that answer, and the deployment rejects messages on busy threads. */
  | { readonly reason: 'continue-in-flight' }
  /** The queue of the thread is full. */
  | { readonly reason: 'queue-full' }
  /** The thread is busy, and the deployment rejects messages on busy threads. */
  | { readonly reason: 'busy' };

/** A refusal for the caller, in the words of the Messages API. A door with other words has the reason. */
export class OpeningRefusedError extends ServiceError {
  constructor(
    readonly refusal: OpeningRefusal,
    { kind, message, options }: ServiceError,
  ) {
    super(kind, message, options);
    this.name = 'OpeningRefusedError';
  }
}

/** Converts a refusal to an error for the caller. */
export function toServiceError(refusal: OpeningRefusal): OpeningRefusedError {
  return new OpeningRefusedError(refusal, wordRefusal(refusal));
}

function wordRefusal(refusal: OpeningRefusal): ServiceError {
  switch (refusal.reason) {
    case 'draining':
      return new ServiceError('unavailable', 'The server is restarting.', { retryAfterSeconds: 5 });
    case 'overloaded':
      return new ServiceError('overloaded', 'Too many turns are waiting.', { retryAfterSeconds: 10 });
    case 'disk-low':
      return new ServiceError('overloaded', 'The disk of the server is almost full.', { retryAfterSeconds: 60 });
    case 'no-such-model':
      return noSuchModel(refusal.model);
    case 'no-caller-tools':
      return new ServiceError(
        'bad_request',
        `tools: agents of ${refusal.harness} cannot call the caller's tools. Send x-chiron-caller-tools: off to go on without them.`,
      );
    case 'no-mcp-servers':
      return new ServiceError('bad_request', `mcp_servers: agents of ${refusal.harness} cannot be given MCP servers.`);
    case 'needs-tools':
      return new ServiceError(
        'bad_request',
        `model: agents of ${refusal.harness} always have their tools, which a request beside a conversation must not use.`,
      );
    // The texts of the Messages API.
    case 'missing-results':
      return badResults(
        `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${listIds(refusal.callIds)}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    case 'unexpected-results':
      return badResults(
        `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${listIds(refusal.callIds)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    case 'repeated-results':
      return badResults(
        `each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${listIds(refusal.callIds)}`,
      );
    case 'thread-not-found':
      return threadNotFound();
    case 'already-continued':
      return notContinued('thread_already_continued', 'the thread was already continued from this message.');
    case 'continue-in-flight':
      return notContinued('thread_continue_in_flight', 'a continuation of this message is still running.');
    case 'queue-full':
      return threadBusy('The queue of this thread is full.');
    case 'busy':
      return threadBusy('The thread is busy with another message.');
    default:
      return refusal satisfies never;
  }
}

function badResults(problem: string): ServiceError {
  return new ServiceError('bad_request', `messages: ${problem}`);
}

function listIds(ids: readonly string[]): string {
  return quoteForCaller(ids.join(', '));
}

/** The codes are those of the API, so that clients resend the complete conversation as they do there. */
function notContinued(code: string, problem: string): ServiceError {
  return new ServiceError('bad_request', `thread.previous_message_id: ${problem}`, { code });
}

function threadBusy(message: string): ServiceError {
  return new ServiceError('conflict', message, { retryAfterSeconds: 5 });
}

/** Makes the error for a model that no harness here serves, or a harness that is not available. */
export function noSuchModel(model: string): ServiceError {
  const message = `model: ${quoteForCaller(model)} is not available here. GET /v1/models lists the available models.`;
  return new ServiceError('not_found', message);
}

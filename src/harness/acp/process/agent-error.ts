import type { HarnessEvent } from '../../../domain/harness-event.js';
import { isProcessGone, JsonRpcError, JsonRpcTimeoutError } from '../../json-rpc/json-rpc-error.js';
import { NotStartedError, toStartFailure } from '../../start-failure.js';
import { parsePromptError, type PromptError } from '../decode/failure.js';
import { ProtocolVersionError } from './acp-agent.js';

/** A turn that cannot be run, and why, for the caller. */
export class TurnRefusedError extends Error {
  override readonly name = 'TurnRefusedError';

  constructor(readonly end: Extract<HarnessEvent, { type: 'turn-failed' }>) {
    super(`refused: ${end.kind}`);
  }
}

/** An error for the log: what agents say in words may quote the prompt. */
export function describeAgentError(error: unknown): string {
  if (error instanceof NotStartedError) return `it could not be started (${error.message})`;
  if (error instanceof JsonRpcError) return `error ${error.code ?? 'of its process'}`;
  if (
    error instanceof JsonRpcTimeoutError ||
    error instanceof TurnRefusedError ||
    error instanceof ProtocolVersionError
  )
    return error.message;
  return error instanceof Error ? error.name : 'unknown error';
}

/** JSON-RPC's error as the answer to a prompt. */
export function toPromptError({ code = 0, message, data }: JsonRpcError): PromptError {
  return { code, message, data };
}

/** The end of a turn that could not be run. */
export function toAgentFailure(error: unknown): HarnessEvent {
  if (error instanceof TurnRefusedError) return error.end;
  if (error instanceof NotStartedError) return { type: 'turn-failed', ...toStartFailure(error.failure) };
  if (isProcessGone(error)) return { type: 'turn-failed', kind: 'process_died', message: error.message };
  if (error instanceof JsonRpcError) return { type: 'turn-failed', ...parsePromptError(toPromptError(error)) };
  if (error instanceof JsonRpcTimeoutError) {
    const message = `The agent did not answer within ${error.limitMs / 1000} s.`;
    return { type: 'turn-failed', kind: 'timeout', message };
  }
  if (error instanceof ProtocolVersionError) {
    const message = 'The agent on this server speaks another version of the Agent Client Protocol.';
    return { type: 'turn-failed', kind: 'not_started', message };
  }
  return { type: 'turn-failed', kind: 'internal', message: 'The agent could not run the turn.' };
}

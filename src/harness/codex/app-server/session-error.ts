import type { HarnessEvent } from '../../../domain/harness-event.js';
import { NotStartedError, toStartFailure } from '../../start-failure.js';
import { isProcessGone, JsonRpcError } from '../../json-rpc/json-rpc-error.js';

/** What `turn/start` of 0.169.0 answers, with the code -32602, to a prompt of more than so many characters (seen). */
const TOO_LONG = /exceeds the maximum length of (\d+) characters/;

/** An error for the log: what Codex says in words may quote the prompt. */
export function describe(error: unknown): string {
  if (error instanceof NotStartedError) return `it could not be started (${error.message})`;
  if (error instanceof JsonRpcError) return `error ${error.code ?? 'of its process'}`;
  return error instanceof Error ? error.name : 'unknown error';
}

/** The end of a turn that could not be run. */
export function turnFailed(error: unknown): HarnessEvent {
  if (error instanceof NotStartedError) return { type: 'turn-failed', ...toStartFailure(error.failure) };
  if (isProcessGone(error)) return { type: 'turn-failed', kind: 'process_died', message: error.message };
  const longest = error instanceof JsonRpcError ? TOO_LONG.exec(error.message)?.[1] : undefined;
  if (longest !== undefined) {
    const message = `prompt is too long: more than ${longest} characters`;
    return { type: 'turn-failed', kind: 'context_too_long', message };
  }
  return { type: 'turn-failed', kind: 'internal', message: 'The agent could not run the turn.' };
}

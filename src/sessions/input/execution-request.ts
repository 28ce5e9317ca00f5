import type { JsonObject } from '../../domain/harness-event.js';
import type { Turn } from '../../storage/stores/turn.js';

/** The fields of an `/execute` request that are stored with its turn, besides the prompt. Durations are milliseconds. */
export interface ExecutionRequest {
  readonly inputLineCount: number;
  readonly idleTimeout: number | null;
  readonly maxDuration: number | null;
}

/** Converts an execution to the stored `request` of its turn. The runner enforces `maxDuration`. */
export function toStoredExecution(request: ExecutionRequest, metadata: JsonObject): JsonObject {
  return {
    inputLineCount: request.inputLineCount,
    idleTimeout: request.idleTimeout,
    maxDuration: request.maxDuration,
    metadata,
  };
}

/** Reads the execution from a stored turn. A turn of the Messages API counts as one input line without limits. */
export function readExecutionRequest(turn: Turn): ExecutionRequest {
  const number = (name: string): number | null => {
    const value = turn.request[name];
    return typeof value === 'number' ? value : null;
  };
  return {
    inputLineCount: number('inputLineCount') ?? 1,
    idleTimeout: number('idleTimeout'),
    maxDuration: number('maxDuration'),
  };
}

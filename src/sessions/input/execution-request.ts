import type { JsonObject } from '../../domain/harness-event.js';
import type { Turn } from '../../storage/stores/turn.js';

/** What of an `/execute` is kept with its turn besides the prompt. Times are milliseconds. */
export interface ExecutionRequest {
  readonly inputLineCount: number;
  readonly idleTimeout: number | null;
  readonly maxDuration: number | null;
}

/** The fields of a turn's `request` that keep it; `maxDuration` is the runner's. */
export function toStoredExecution(request: ExecutionRequest, metadata: JsonObject): JsonObject {
  return {
    inputLineCount: request.inputLineCount,
    idleTimeout: request.idleTimeout,
    maxDuration: request.maxDuration,
    metadata,
  };
}

/** What was asked of a turn; a turn of the Messages API is one input without limits. */
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

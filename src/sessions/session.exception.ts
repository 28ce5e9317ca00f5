import type { JsonObject } from '../domain/harness-event.js';
import type { Turn } from '../storage/stores/turn.js';
import { toExecutionId } from './dto/execution-id.js';
import type { Thread } from '../storage/stores/thread.store.js';

/** A refusal of the session API, in centaur's envelope: `{"ok":false,"error":…}` and further fields. */
export class SessionException extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Fields beside `ok` and `error`. */
    readonly details: JsonObject = {},
  ) {
    super(message);
    this.name = 'SessionException';
  }
}

/** No such session for this tenant. */
export function sessionNotFound(threadKey: string): SessionException {
  return new SessionException(404, `session not found for thread_key ${threadKey}`);
}

/** The session has another harness. */
export function harnessConflict(thread: Thread, existing: string, requested: string): SessionException {
  const message = `session ${thread.key} already exists with harness_type ${existing}, requested ${requested}`;
  return new SessionException(409, message, {
    code: 'harness_conflict',
    existing_harness: existing,
    requested_harness: requested,
  });
}

/** The calls of an execution have an answer, or it has none. */
export function notWaiting(): SessionException {
  return new SessionException(409, 'the execution does not wait for results of tools', { code: 'not_waiting' });
}

/** The session has an active execution. */
export function activeExecution(threadKey: string, turn: Turn): SessionException {
  return new SessionException(409, `session ${threadKey} already has an active execution`, {
    code: 'active_execution_conflict',
    existing_execution_id: toExecutionId(turn.id),
    existing_status: turn.state,
  });
}

import type { JsonObject } from '../../../domain/harness-event.js';
import { isJsonObject, numberOf, objectOf, stringOf } from '../../../domain/json.js';

/** One line, whichever of the two shapes it came in. */
export interface Notification {
  /** In the slash form: `item/agentMessage/delta`. */
  readonly method: string;
  readonly parameters: JsonObject;
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  /** When it was told, in milliseconds since the epoch, where the line says so (Codex 0.169.0 does). */
  readonly emittedAt: number | undefined;
}

/**
 * Reads the app-server's slash methods and the dotted `type` shape of other wrappers (recordings codex-* and centaur-*).
 * `undefined` for answers to our requests, for the server's requests, and for what is neither.
 */
export function notificationOf(line: JsonObject): Notification | undefined {
  const method = stringOf(line['method']);
  if (method !== undefined) {
    const parameters = objectOf(line['params']);
    return isRequest(line, method)
      ? undefined
      : { ...withIds(method, parameters), emittedAt: numberOf(line['emittedAtMs']) };
  }
  const type = stringOf(line['type']);
  return type === undefined ? undefined : { ...withIds(type.replaceAll('.', '/'), line), emittedAt: undefined };
}

// An id alone does not make a request: some wrappers number their notifications.
function isRequest(line: JsonObject, method: string): boolean {
  return (
    line['id'] !== undefined && /\/(call|requestApproval|requestUserInput|request|refresh|generate|read)$/.test(method)
  );
}

function withIds(method: string, parameters: JsonObject): Omit<Notification, 'emittedAt'> {
  const turn = parameters['turn'];
  const thread = parameters['thread'];
  return {
    method,
    parameters,
    threadId: idOf(parameters, 'thread') ?? (isJsonObject(thread) ? stringOf(thread['id']) : undefined),
    turnId: idOf(parameters, 'turn') ?? (isJsonObject(turn) ? stringOf(turn['id']) : undefined),
  };
}

/** `<name>Id`, `<name>_id`, whichever is there. */
export function idOf(parameters: JsonObject, name: string): string | undefined {
  return stringOf(parameters[`${name}Id`]) ?? stringOf(parameters[`${name}_id`]);
}

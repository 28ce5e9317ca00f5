import type { JsonObject } from '../../../domain/harness-event.js';
import { isJsonObject, asNumber, asObject, asString } from '../../../domain/json.js';

/** One line, whichever of the two shapes it came in. */
export interface Notification {
  /** In the slash form: `item/agentMessage/delta`. */
  readonly method: string;
  readonly parameters: JsonObject;
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  /** When it was emitted, in milliseconds since the epoch, if the line has it (Codex 0.169.0 does). */
  readonly emittedAt: number | undefined;
}

/**
 * Reads the app-server's slash methods and the dotted `type` shape of other wrappers (recordings codex-* and centaur-*).
 * `undefined` for answers to our requests, for the server's requests, and for what is neither.
 */
export function parseNotification(line: JsonObject): Notification | undefined {
  const method = asString(line['method']);
  if (method !== undefined) {
    const parameters = asObject(line['params']);
    return isRequest(line, method)
      ? undefined
      : { ...withIds(method, parameters), emittedAt: asNumber(line['emittedAtMs']) };
  }
  const type = asString(line['type']);
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
    threadId: readId(parameters, 'thread') ?? (isJsonObject(thread) ? asString(thread['id']) : undefined),
    turnId: readId(parameters, 'turn') ?? (isJsonObject(turn) ? asString(turn['id']) : undefined),
  };
}

/** `<name>Id`, `<name>_id`, whichever is there. */
export function readId(parameters: JsonObject, name: string): string | undefined {
  return asString(parameters[`${name}Id`]) ?? asString(parameters[`${name}_id`]);
}

import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import type { RefusedCall } from '../../../domain/provider-refusal.js';
import {
  type CodexConversation,
  readNewestTurns,
  readTurnPage,
  type Running,
  takeOut,
} from '../app-server/connection.js';
import { refusedTurns } from '../resume/refused-turns.js';

/** A conversation from which turns were removed. */
export interface ShorterConversation {
  readonly conversation: CodexConversation;
  /** The tools that were called in the removed turns. */
  readonly calls: readonly RefusedCall[];
  /** Whether no turn is left. */
  readonly isEmpty: boolean;
}

/** Removes refused turns from the end of the conversation; `undefined` if there are none. */
export async function removeRefusedTurns(
  { server }: Running,
  conversation: CodexConversation,
): Promise<ShorterConversation | undefined> {
  const refused = refusedTurns(await readNewestTurns(server, conversation.threadId));
  if (refused === undefined) return undefined;
  const shorter = await takeOut(server, conversation, refused.from);
  return { conversation: shorter, calls: refused.calls, isEmpty: refused.areAll };
}

/** Removes the turn that began with this message of the user, and all later ones; `undefined` if there is none. */
export async function removeFromMessage(
  { server }: Running,
  conversation: CodexConversation,
  clientId: string,
): Promise<CodexConversation | undefined> {
  let cursor: JsonValue = null;
  do {
    const page: JsonObject = await readTurnPage(server, conversation.threadId, cursor);
    const found = asArray(page['data'])
      .map(asObject)
      .find((turn) => beginsWith(turn, clientId));
    const codexTurnId = asString(found?.['id']);
    if (codexTurnId !== undefined) return takeOut(server, conversation, codexTurnId);
    cursor = page['nextCursor'] ?? null;
  } while (cursor !== null);
  return undefined;
}

function beginsWith(turn: JsonObject, clientId: string): boolean {
  const message = asArray(turn['items'])
    .map(asObject)
    .find((item) => item['type'] === 'userMessage');
  return message?.['clientId'] === clientId;
}

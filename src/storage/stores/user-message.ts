import type { Selectable } from 'kysely';
import type { JsonValue } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';
import type { SessionMessageTable } from '../database/tables.js';
import { toPromptContent } from './prompt-content.js';
import { parseStored } from './turn.js';

/** A message of the user that was appended to a thread. */
export interface UserMessage {
  readonly id: string;
  /** The client's own id of it. */
  readonly clientMessageId: string | undefined;
  /** As the client sent them. */
  readonly parts: readonly JsonValue[];
  /** What the parts say to an agent; empty if they say nothing. */
  readonly prompt: Prompt;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** The columns of a user's message. */
export const USER_MESSAGE_COLUMNS = ['id', 'client_message_id', 'parts', 'created_at'] as const;

/** Converts stored rows, in the order in which they were appended. */
export function toUserMessages(
  rows: readonly Pick<Selectable<SessionMessageTable>, (typeof USER_MESSAGE_COLUMNS)[number]>[],
): readonly UserMessage[] {
  return rows
    .map((row) => {
      const parts = parseStored<readonly JsonValue[]>(row.parts);
      return {
        id: row.id,
        clientMessageId: row.client_message_id ?? undefined,
        parts,
        prompt: toPromptContent(parts, new Map()),
        createdAt: row.created_at,
      };
    })
    .toSorted((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1));
}

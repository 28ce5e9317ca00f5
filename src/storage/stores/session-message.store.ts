import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { Database, isForeignKeyViolation } from '../database/database.js';
import { parseStored } from './turn.js';

/** Every author of a session's message. */
export const MESSAGE_ROLES = ['user', 'assistant', 'system', 'tool'] as const;

/** The author of a session's message. */
export type MessageRole = (typeof MESSAGE_ROLES)[number];

/** A message to append to a session. */
export interface NewSessionMessage {
  /** Dedupes: a message with an id that the thread already has is not stored again. */
  readonly clientMessageId: string | undefined;
  readonly role: MessageRole;
  readonly parts: readonly JsonValue[];
  readonly metadata: JsonObject;
}

/** The messages that were appended to sessions. Appending starts no turn. */
@Injectable()
export class SessionMessageStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Appends messages in one transaction and returns their ids; a known client message id returns the id of the message stored
   * first, which stays unchanged. `undefined`, and nothing written, when there is no such thread.
   */
  async append(
    threadId: string,
    messages: readonly NewSessionMessage[],
    now: number,
  ): Promise<readonly string[] | undefined> {
    try {
      return await this.database.transaction(async (transaction) => {
        const ids: string[] = [];
        for (const [index, message] of messages.entries()) {
          const inserted = await transaction
            .insertInto('session_messages')
            .values({
              id: messageId(now, index),
              thread_id: threadId,
              client_message_id: message.clientMessageId ?? null,
              role: message.role,
              parts: JSON.stringify(message.parts),
              metadata: JSON.stringify(message.metadata),
              created_at: now,
            })
            .onConflict((conflict) => conflict.doNothing())
            .returning('id')
            .executeTakeFirst();
          const { id } =
            inserted ??
            (await transaction
              .selectFrom('session_messages')
              .select('id')
              .where('thread_id', '=', threadId)
              .where('client_message_id', '=', message.clientMessageId ?? '')
              .executeTakeFirstOrThrow());
          ids.push(id);
        }
        return ids;
      });
    } catch (error) {
      if (isForeignKeyViolation(error)) return undefined;
      throw error;
    }
  }

  /** The parts of the user messages that were appended after this time (milliseconds since the epoch), in order. */
  async userPartsSince(threadId: string, since: number): Promise<readonly (readonly JsonValue[])[]> {
    const rows = await this.database.kysely
      .selectFrom('session_messages')
      .select('parts')
      .where('thread_id', '=', threadId)
      .where('role', '=', 'user')
      .where('created_at', '>', since)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map((row) => parseStored<readonly JsonValue[]>(row.parts));
  }
}

/** `msg_` and 32 hex digits, as in centaur. They begin with the time and the index in the call, so that ids sort in arrival order. */
function messageId(now: number, index: number): string {
  return `msg_${now.toString(16).padStart(12, '0')}${index.toString(16).padStart(4, '0')}${randomBytes(8).toString('hex')}`;
}

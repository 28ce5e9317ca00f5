import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { Database, isForeignKeyViolation } from '../database/database.js';
import type { SessionMessageTable, Tables } from '../database/tables.js';
import { assignStoredMessages } from './heard-messages.js';
import { asString } from '../../domain/json.js';
import { parseStored } from './turn.js';
import { toUserMessages, USER_MESSAGE_COLUMNS, type UserMessage } from './user-message.js';

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

/** A stored message and what became of it. */
export interface MessageFate {
  readonly id: string;
  /** The turn that heard it, or that it is assigned to; `undefined` while no turn has it. */
  readonly turnId: string | undefined;
  readonly isHeard: boolean;
  /** When its caller had read the answer of that turn, in milliseconds since the epoch. */
  readonly deliveredAt: number | undefined;
}

/** The message of a request that a turn heard while it ran. */
export interface HeardRequest {
  readonly turnId: string;
  /** The key of the message in its caller's conversation. */
  readonly promptKey: string;
}

const PROMPT_KEY = 'promptKey';

const FATE_COLUMNS = ['id', 'turn_id', 'heard_at', 'delivered_at'] as const;

/** The metadata by which the message of a request is found in its caller's later conversation. */
export function toPromptKey(promptKey: string | undefined): JsonObject {
  return promptKey === undefined ? {} : { [PROMPT_KEY]: promptKey };
}

/** The messages that were appended to threads. Appending starts no turn. Every method rejects when the store cannot be reached. */
@Injectable()
export class SessionMessageStore {
  #lastAppendAt = 0;

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
    // Rows sort by time in the order of their arrival, even within a millisecond.
    const createdAt = Math.max(now, this.#lastAppendAt + 1);
    this.#lastAppendAt = createdAt;
    try {
      return await this.database.transaction(async (transaction) => {
        const ids: string[] = [];
        for (const [index, message] of messages.entries()) {
          const inserted = await transaction
            .insertInto('session_messages')
            .values({
              id: messageId(createdAt, index),
              thread_id: threadId,
              client_message_id: message.clientMessageId ?? null,
              role: message.role,
              parts: JSON.stringify(message.parts),
              metadata: JSON.stringify(message.metadata),
              created_at: createdAt,
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

  /** The user's messages that no turn has heard, and that are assigned to none, in order. */
  async stored(threadId: string): Promise<readonly UserMessage[]> {
    const rows = await this.database.kysely
      .selectFrom('session_messages')
      .select(USER_MESSAGE_COLUMNS)
      .where('thread_id', '=', threadId)
      .where('role', '=', 'user')
      .where('heard_at', 'is', null)
      .where('turn_id', 'is', null)
      .execute();
    return toUserMessages(rows);
  }

  /** Assigns the thread's stored messages to its running turn and returns them in order; none if the turn does not run (any more). */
  assign(turnId: string, now: number): Promise<readonly UserMessage[]> {
    return this.database.transaction(async (transaction) => {
      const threadId = await lockRunningTurn(transaction, turnId);
      return threadId === undefined ? [] : assignStoredMessages(transaction, { id: turnId, threadId }, now);
    });
  }

  /** Assigns like {@link assign}, and returns all messages that are assigned to the turn, in order, for its next attempt. */
  take(turnId: string, now: number): Promise<readonly UserMessage[]> {
    return this.database.transaction(async (transaction) => {
      const threadId = await lockRunningTurn(transaction, turnId);
      if (threadId === undefined) return [];
      await assignStoredMessages(transaction, { id: turnId, threadId }, now);
      const rows = await transaction
        .selectFrom('session_messages')
        .select(USER_MESSAGE_COLUMNS)
        .where('thread_id', '=', threadId)
        .where('role', '=', 'user')
        .where('heard_at', 'is', null)
        .where('turn_id', '=', turnId)
        .execute();
      return toUserMessages(rows);
    });
  }

  /** The messages that turns heard while they were running, besides their prompts, by the id of the turn. */
  async heardMeanwhile(turnIds: readonly string[]): Promise<ReadonlyMap<string, readonly UserMessage[]>> {
    if (turnIds.length === 0) return new Map();
    const rows = await this.database.kysely
      .selectFrom('session_messages')
      .innerJoin('turns', 'turns.id', 'session_messages.turn_id')
      .select([
        'session_messages.id',
        'session_messages.client_message_id',
        'session_messages.parts',
        'session_messages.created_at',
        'turns.id as turn',
      ])
      .where('turns.id', 'in', turnIds)
      .whereRef('session_messages.thread_id', '=', 'turns.thread_id')
      // A turn has heard those in its prompt when it starts.
      .whereRef('session_messages.heard_at', '>', 'turns.started_at')
      .execute();
    return new Map(turnIds.map((id) => [id, toUserMessages(rows.filter(({ turn }) => turn === id))]));
  }

  async byId(id: string): Promise<MessageFate | undefined> {
    const query = this.database.kysely.selectFrom('session_messages').select(FATE_COLUMNS);
    return toFate(await query.where('id', '=', id).executeTakeFirst());
  }

  /** The thread's message with this client message id. */
  async byClientMessageId(threadId: string, clientMessageId: string): Promise<MessageFate | undefined> {
    const query = this.#fates(threadId).where('client_message_id', '=', clientMessageId);
    return toFate(await query.executeTakeFirst());
  }

  /** The thread's newest message whose client message id begins with this text, which has no `%`, `_` or `\\`. */
  async lastByClientIdPrefix(threadId: string, prefix: string): Promise<MessageFate | undefined> {
    // An interval would depend on PostgreSQL's collation.
    const query = this.#fates(threadId).where('client_message_id', 'like', `${prefix}%`);
    return toFate(await query.orderBy('created_at', 'desc').limit(1).executeTakeFirst());
  }

  /** Records that the caller whose message it is has read the turn to its end; only the first call has an effect. */
  async markDelivered(id: string, now: number): Promise<void> {
    await this.database.kysely
      .updateTable('session_messages')
      .set({ delivered_at: now })
      .where('id', '=', id)
      .where('delivered_at', 'is', null)
      .execute();
  }

  /** The messages of requests that turns of the thread heard while they ran, in order. */
  async heardRequests(threadId: string): Promise<readonly HeardRequest[]> {
    const rows = await this.database.kysely
      .selectFrom('session_messages')
      .select(['turn_id', 'metadata'])
      .where('thread_id', '=', threadId)
      .where('heard_at', 'is not', null)
      .where('metadata', 'like', `%"${PROMPT_KEY}":%`)
      .orderBy('created_at')
      .execute();
    return rows.flatMap(({ turn_id: turnId, metadata }) => {
      const promptKey = asString(parseStored<JsonObject>(metadata)[PROMPT_KEY]);
      return turnId === null || promptKey === undefined ? [] : [{ turnId, promptKey }];
    });
  }

  #fates(threadId: string) {
    return this.database.kysely.selectFrom('session_messages').select(FATE_COLUMNS).where('thread_id', '=', threadId);
  }
}

function toFate(row: Pick<SessionMessageTable, (typeof FATE_COLUMNS)[number]> | undefined): MessageFate | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.id,
    turnId: row.turn_id ?? undefined,
    isHeard: row.heard_at !== null,
    deliveredAt: row.delivered_at ?? undefined,
  };
}

/**
 * Locks the row of a turn against its end and its claim, and returns its thread if it runs. An update with the state in its condition
 * would not do: PostgreSQL does not wait for a row that another transaction is about to make match.
 */
async function lockRunningTurn(transaction: Transaction<Tables>, turnId: string): Promise<string | undefined> {
  const turn = await transaction
    .updateTable('turns')
    .set((set) => ({ attempt: set.ref('attempt') }))
    .where('id', '=', turnId)
    .returning(['thread_id', 'state'])
    .executeTakeFirst();
  return turn?.state === 'running' ? turn.thread_id : undefined;
}

/** `msg_` and 32 hex digits, as in centaur. They begin with the time and the index in the call, so that ids sort in arrival order. */
function messageId(createdAt: number, index: number): string {
  return `msg_${createdAt.toString(16).padStart(12, '0')}${index.toString(16).padStart(4, '0')}${randomBytes(8).toString('hex')}`;
}

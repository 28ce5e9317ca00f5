// Which turn hears which appended message. Every function runs inside a transaction of its caller, so that a message and its turn
// change together:
//
//   stored ──► heard by a turn that starts (it is in its prompt)
//   stored ──► assigned to the running turn ──► heard by it (its log confirms it), or stored again when it ends without
//
// A message is stored while `turn_id` is null, assigned while only `heard_at` is null, and heard otherwise.
import type { Transaction } from 'kysely';
import type { JsonObject } from '../../domain/harness-event.js';
import { PreparedQuery } from '../database/prepared-query.js';
import type { Tables } from '../database/tables.js';
import { parseStored, type TurnOutcome } from './turn.js';
import { readMessageIds } from './turn-input.js';
import { toUserMessages, USER_MESSAGE_COLUMNS, type UserMessage } from './user-message.js';

/** Most ids in one statement; far below the parameter limits of both databases. */
const ID_BATCH_SIZE = 500;

interface TurnOfThread {
  readonly id: string;
  readonly threadId: string;
}

const HEAR = new PreparedQuery((kysely, { id, threadId, now }: TurnOfThread & { readonly now: number }) =>
  kysely
    .updateTable('session_messages')
    .set({ turn_id: id, heard_at: now })
    .where('thread_id', '=', threadId)
    .where('role', '=', 'user')
    .where('heard_at', 'is', null)
    .where('turn_id', 'is', null)
    .returning(USER_MESSAGE_COLUMNS),
);
const STORE_AGAIN = new PreparedQuery((kysely, { id, threadId }: TurnOfThread) =>
  kysely
    .updateTable('session_messages')
    .set({ turn_id: null })
    .where('thread_id', '=', threadId)
    .where('role', '=', 'user')
    .where('heard_at', 'is', null)
    .where('turn_id', '=', id),
);

/** Marks every stored message of the thread as heard by a turn that is about to start, and returns them in order. */
export async function hearStoredMessages(
  transaction: Transaction<Tables>,
  turn: TurnOfThread,
  now: number,
): Promise<readonly UserMessage[]> {
  return toUserMessages(await HEAR.run(transaction, { id: turn.id, threadId: turn.threadId, now }));
}

/** Assigns every stored message of the thread to its running turn. Those that say nothing to an agent count as heard. */
export async function assignStoredMessages(
  transaction: Transaction<Tables>,
  turn: TurnOfThread,
  now: number,
): Promise<readonly UserMessage[]> {
  const rows = await transaction
    .updateTable('session_messages')
    .set({ turn_id: turn.id })
    .where('thread_id', '=', turn.threadId)
    .where('role', '=', 'user')
    .where('heard_at', 'is', null)
    .where('turn_id', 'is', null)
    .returning(USER_MESSAGE_COLUMNS)
    .execute();
  const messages = toUserMessages(rows);
  const silent = messages.filter(({ prompt }) => prompt.length === 0);
  await setHeard(
    transaction,
    silent.map(({ id }) => id),
    turn.id,
    now,
  );
  return messages.filter(({ prompt }) => prompt.length > 0);
}

/** Settles the messages that were assigned to a turn that ends: those that it heard are heard, the others are stored again. */
export async function settleMessages(
  transaction: Transaction<Tables>,
  turn: TurnOfThread,
  heardIds: readonly string[],
  outcome: TurnOutcome,
): Promise<void> {
  await setHeard(transaction, heardIds, turn.id, outcome.endedAt);
  await STORE_AGAIN.run(transaction, { id: turn.id, threadId: turn.threadId });
  // No agent has heard the prompt: the next turn gets the messages in it.
  if (outcome.state === 'failed' && outcome.failure.kind === 'not_started') {
    await releasePromptMessages(transaction, turn.id);
  }
}

/** Makes the messages stored again that were added to the prompt of a turn which no agent has heard. */
export async function releasePromptMessages(transaction: Transaction<Tables>, turnId: string): Promise<void> {
  const { request } = await transaction
    .selectFrom('turns')
    .select('request')
    .where('id', '=', turnId)
    .executeTakeFirstOrThrow();
  for (const batch of batches(readMessageIds(parseStored<JsonObject>(request)))) {
    await transaction
      .updateTable('session_messages')
      .set({ turn_id: null, heard_at: null })
      .where('id', 'in', batch)
      .where('turn_id', '=', turnId)
      .execute();
  }
}

async function setHeard(
  transaction: Transaction<Tables>,
  ids: readonly string[],
  turnId: string,
  now: number,
): Promise<void> {
  for (const batch of batches(ids)) {
    await transaction
      .updateTable('session_messages')
      .set({ heard_at: now })
      .where('id', 'in', batch)
      .where('turn_id', '=', turnId)
      .where('heard_at', 'is', null)
      .execute();
  }
}

function batches(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / ID_BATCH_SIZE) }, (_, index) =>
    ids.slice(index * ID_BATCH_SIZE, (index + 1) * ID_BATCH_SIZE),
  );
}

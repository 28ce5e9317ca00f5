import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import type { CallerToolCall, CallerTools } from '../../domain/caller-tool.js';
import { Database } from '../database/database.js';
import type { CallerToolCallTable, Tables } from '../database/tables.js';
import { parseStored } from './turn.js';

const MAX_LOOKUP_IDS = 500;

/** A set of caller's tools as it is stored, once for all turns of a thread that have it. */
export interface ToolSet {
  /** A hash of `json`. */
  readonly id: string;
  /** The JSON of {@link CallerTools}. */
  readonly json: string;
}

/**
 * The caller's tools and their calls. A turn that ends with calls parks its thread. The next turn answers all of them: the transaction
 * that stores or starts it unparks the thread and notes the parked turn with it, so that no call gets two results.
 */
@Injectable()
export class CallerToolStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** The tools of a turn; `undefined` when the thread does not have the set. */
  async toolSet(threadId: string, id: string): Promise<CallerTools | undefined> {
    const row = await this.database.kysely
      .selectFrom('tool_sets')
      .select('tools')
      .where('thread_id', '=', threadId)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : parseStored<CallerTools>(row.tools);
  }

  /** The calls with which a turn ended, in order. */
  async ofTurn(turnId: string): Promise<readonly CallerToolCall[]> {
    return (await this.#calls().where('turn_id', '=', turnId).orderBy('position').execute()).map(toCall);
  }

  /** Those of the ids that are calls of the thread, whether they wait or not. */
  async findKnown(threadId: string, ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    // Far below the parameter limits of both databases; no message of an agent has as many calls.
    const query = this.#calls().where('thread_id', '=', threadId).where('id', 'in', ids.slice(0, MAX_LOOKUP_IDS));
    const known = new Set((await query.execute()).map(({ id }) => id));
    return ids.filter((id) => known.has(id));
  }

  #calls() {
    return this.database.kysely.selectFrom('caller_tool_calls').selectAll();
  }
}

function toCall({ id, name, input }: CallerToolCallTable): CallerToolCall {
  return { id, name, input: parseStored<CallerToolCall['input']>(input) };
}

/** Makes the stored form of a set of tools. */
export function toToolSet(tools: CallerTools): ToolSet {
  const json = JSON.stringify(tools);
  return { id: createHash('sha256').update(json).digest('hex').slice(0, 32), json };
}

/** Stores a set of tools in a transaction, unless the thread has it. */
export async function insertToolSet(executor: Kysely<Tables>, threadId: string, { id, json }: ToolSet): Promise<void> {
  await executor
    .insertInto('tool_sets')
    .values({ thread_id: threadId, id, tools: json })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Stores the calls of an ended turn in the transaction that ends it and parks its thread. */
export async function insertCalls(
  executor: Kysely<Tables>,
  turn: { readonly id: string; readonly threadId: string },
  calls: readonly CallerToolCall[],
): Promise<void> {
  const rows = calls.map(({ id, name, input }, position) => ({
    turn_id: turn.id,
    id,
    thread_id: turn.threadId,
    position,
    name,
    input: JSON.stringify(input),
  }));
  await executor.insertInto('caller_tool_calls').values(rows).execute();
}

/** Parks a thread until a turn answers the calls of `parkedTurnId`; `null` unparks it. */
export async function setParkedTurn(
  executor: Kysely<Tables>,
  threadId: string,
  parkedTurnId: string | null,
): Promise<void> {
  await executor.updateTable('threads').set({ parked_turn: parkedTurnId }).where('id', '=', threadId).execute();
}

// The inputs of turns that are too large for the turn's row. SQLite writes a row again, with all that is in it, for each change of the turn, on the
// thread of all streams: with 30 MB in it, each takes some hundred milliseconds. Such an input is kept in pieces, which are written and read one by one.
// PostgreSQL does neither, and has no pieces.
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { JsonValue } from '../../domain/harness-event.js';
import { asJson } from '../../domain/json.js';
import { isLongerThan, toJsonSlices } from '../../domain/json-slices.js';
import type { Database } from '../database/database.js';
import { PreparedQuery } from '../database/prepared-query.js';
import type { Tables, TurnInputTable, TurnTable } from '../database/tables.js';
import type { NewTurn } from './turn.js';

/** Longer inputs are kept in pieces, of about this many characters. */
const PIECE_CHARS = 256 * 1024;

/** What a turn's row has instead of an input in pieces: empty, and with a space, which `JSON.stringify` never writes. */
const IN_PIECES = { prompt: '[ ]', request: '{ }' } as const;

type Part = keyof typeof IN_PIECES;
type InputColumns = Pick<TurnTable, Part>;

const INSERT_PIECE = new PreparedQuery((kysely, row: TurnInputTable) => kysely.insertInto('turn_inputs').values(row));
const READ_PIECE = new PreparedQuery((kysely, { id, number }: { readonly id: string; readonly number: number }) =>
  kysely.selectFrom('turn_inputs').select(['part', 'json']).where('turn_id', '=', id).where('number', '=', number),
);

type Input = Pick<NewTurn, 'id' | 'threadId' | 'prompt' | 'request'>;

/** Whether the input of a turn is to be kept in pieces. */
export function isLargeInput({ kind }: Pick<Database, 'kind'>, { prompt, request }: Input): boolean {
  return kind === 'sqlite' && isLongerThan([asJson(prompt), request], PIECE_CHARS);
}

/**
 * Stores the pieces of the input of a turn that is about to be stored, and returns what the turn's row has instead. Rejects, and may leave some, when
 * there is no such thread, or when the store cannot be reached.
 */
export async function storeLargeInput(kysely: Kysely<Tables>, turn: Input): Promise<InputColumns> {
  let number = 0;
  for (const [part, json] of toPieces({ prompt: asJson(turn.prompt), request: turn.request })) {
    await INSERT_PIECE.run(kysely, { turn_id: turn.id, number, thread_id: turn.threadId, part, json });
    number += 1;
    await setImmediate();
  }
  return IN_PIECES;
}

function* toPieces(input: Readonly<Record<Part, JsonValue>>): Generator<readonly [Part, string], void> {
  for (const part of ['prompt', 'request'] as const) {
    let json = '';
    for (const slice of toJsonSlices(input[part])) {
      json += slice;
      if (json.length < PIECE_CHARS) continue;
      yield [part, json];
      json = '';
    }
    yield [part, json];
  }
}

/** A turn's row with its input, if that is kept in pieces. Rejects when the store cannot be reached. */
export async function withLargeInput(kysely: Kysely<Tables>, row: TurnTable): Promise<TurnTable> {
  if (row.prompt !== IN_PIECES.prompt) return row;
  const input = { prompt: '', request: '' };
  for (let number = 0; ; number += 1) {
    const [piece] = await READ_PIECE.run(kysely, { id: row.id, number });
    if (piece === undefined) return { ...row, ...input };
    input[piece.part === 'prompt' ? 'prompt' : 'request'] += piece.json;
    await setImmediate();
  }
}

/** Removes the pieces of the input of a turn that was not stored. */
export async function removeLargeInput(kysely: Kysely<Tables>, turnId: string): Promise<void> {
  await kysely.deleteFrom('turn_inputs').where('turn_id', '=', turnId).execute();
}

/** Removes the pieces that no turn needs: a server that was killed may have left some. */
export async function removeStrayInputs(kysely: Kysely<Tables>): Promise<void> {
  await kysely
    .deleteFrom('turn_inputs')
    .where((by) => {
      const turn = by.selectFrom('turns').select('id').whereRef('turns.id', '=', 'turn_inputs.turn_id');
      return by.not(by.exists(turn.where('prompt', '=', IN_PIECES.prompt)));
    })
    .execute();
}

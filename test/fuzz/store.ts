import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

/** A stored turn. */
export interface StoredTurn {
  readonly id: string;
  readonly messageId: string;
  readonly tenant: string;
  readonly state: string;
  readonly prompt: string;
}

/** A stored thread. */
export interface StoredThread {
  readonly tenant: string;
  readonly key: string;
  readonly turns: number;
  /** It was made by the session API, which makes threads without turns. */
  readonly isSession: boolean;
}

/** What a server has stored. */
export interface Stored {
  readonly turns: readonly StoredTurn[];
  readonly threads: readonly StoredThread[];
}

/** Where a server has its store. */
export interface StorePlace {
  readonly dataDirectory: string;
  /** `undefined` for SQLite in the data folder. */
  readonly databaseUrl: string | undefined;
}

type Row = Readonly<Record<string, unknown>>;

const TURNS = `select t.id, t.message_id, h.tenant, t.state, t.prompt
  from turns t join threads h on h.id = t.thread_id`;
const LARGE_PROMPTS = `select turn_id, json from turn_inputs where part = 'prompt' order by turn_id, number`;
const THREADS = `select h.tenant, h.key, h.metadata, (select count(*) from turns t where t.thread_id = h.id) as turns
  from threads h`;

/** All turns and threads of a store. Rejects when it cannot be read. */
export async function readStore(place: StorePlace): Promise<Stored> {
  const [turns = [], threads = [], pieces = []] = await rowsOf(place, [TURNS, THREADS, LARGE_PROMPTS]);
  const large = new Map<string, string>();
  for (const piece of pieces) {
    const id = String(piece['turn_id']);
    large.set(id, (large.get(id) ?? '') + String(piece['json']));
  }
  return {
    turns: turns.map((row) => ({
      id: String(row['id']),
      messageId: String(row['message_id']),
      tenant: String(row['tenant']),
      state: String(row['state']),
      prompt: large.get(String(row['id'])) ?? String(row['prompt']),
    })),
    threads: threads.map((row) => ({
      tenant: String(row['tenant']),
      key: String(row['key']),
      turns: Number(row['turns']),
      isSession: Object.hasOwn(JSON.parse(String(row['metadata'])), 'session'),
    })),
  };
}

async function rowsOf(place: StorePlace, queries: readonly string[]): Promise<readonly (readonly Row[])[]> {
  if (place.databaseUrl !== undefined) return postgresRows(place.databaseUrl, queries);
  const database = new DatabaseSync(join(place.dataDirectory, 'chiron.sqlite'), { timeout: 5000 });
  try {
    return queries.map((query) => database.prepare(query).all());
  } finally {
    database.close();
  }
}

async function postgresRows(url: string, queries: readonly string[]): Promise<readonly (readonly Row[])[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results: (readonly Row[])[] = [];
    for (const query of queries) results.push((await client.query<Row>(query)).rows);
    return results;
  } finally {
    await client.end();
  }
}

/** Whether a turn has not ended. */
export function isOpenTurn({ state }: StoredTurn): boolean {
  return state === 'queued' || state === 'running';
}

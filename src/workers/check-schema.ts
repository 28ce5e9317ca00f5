import { extname } from 'node:path';
import type { JsonObject } from '../domain/harness-event.js';
import { countedValues } from './value-pieces.js';
import { TaskLimitError, WorkerPool } from './worker-pool.js';
import type { SchemaCheck, SchemaTask } from './check-schema.worker.js';

/**
 * Longest time of a check, in milliseconds: a schema is a caller's, and can ask for any amount of work, with a pattern that tries
 * every way to fit, or with parts that refer to one another twice each.
 */
const TIMEOUT_MS = 500;

/** Most values of a schema: those of tools and answers have some hundred, and to hand one over to the thread stops the server. */
const MAX_VALUES = 20_000;

const pool = new WorkerPool<SchemaTask, SchemaCheck>({
  name: 'schema check',
  // The file beside this one: `.js` when built, `.ts` under test.
  module: new URL(`check-schema.worker${extname(import.meta.url)}`, import.meta.url),
  size: 2,
  idleMs: 60_000,
  heap: 128,
  limitMs: TIMEOUT_MS,
});

/** Checks a text against a JSON Schema, beside the event loop and in a bounded time. Rejects when there can be no thread. */
export function checkAnswer(schema: JsonObject, answer: string): Promise<SchemaCheck> {
  return check({ schema, answer });
}

/** Whether answers can be checked against a schema. Rejects when there can be no thread. */
export async function isUsable(schema: JsonObject): Promise<boolean> {
  if (countedValues(schema, MAX_VALUES) >= MAX_VALUES) return false;
  return (await check({ schema, answer: undefined })).kind !== 'unusable';
}

async function check(task: SchemaTask): Promise<SchemaCheck> {
  try {
    return await pool.run(task);
  } catch (error) {
    if (error instanceof TaskLimitError) return { kind: 'unusable' };
    throw error;
  }
}

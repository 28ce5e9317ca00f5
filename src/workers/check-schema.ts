import type { JsonObject } from '../domain/harness-event.js';
import { ownModule } from '../own-files.js';
import { countValues } from './value-pieces.js';
import { TaskLimitError, WorkerPool } from './worker-pool.js';
import type { SchemaCheck, SchemaTask } from './check-schema.worker.js';

/**
 * Longest check. A caller's schema can cost any amount of work: with a pattern that backtracks exponentially, or with definitions that
 * each refer twice to the next one.
 */
const TIMEOUT_MS = 500;

/** Most values of a schema. Those of tools and answers have some hundred, and sending one to the thread blocks the event loop. */
const MAX_VALUES = 20_000;

const pool = new WorkerPool<SchemaTask, SchemaCheck>({
  name: 'schema check',
  module: ownModule('workers/check-schema.worker'),
  size: 2,
  idleMs: 60_000,
  heapMb: 128,
  timeLimitMs: TIMEOUT_MS,
});

/** Checks a text against a JSON Schema, off the event loop and in bounded time. Rejects when no thread can be started. */
export function checkAnswer(schema: JsonObject, answer: string): Promise<SchemaCheck> {
  return check({ schema, answer });
}

/** Whether answers can be checked against a schema. Rejects when no thread can be started. */
export async function isUsable(schema: JsonObject): Promise<boolean> {
  if (countValues(schema, MAX_VALUES) >= MAX_VALUES) return false;
  return (await check({ schema, answer: undefined })).kind !== 'unusable-schema';
}

async function check(task: SchemaTask): Promise<SchemaCheck> {
  try {
    return await pool.run(task);
  } catch (error) {
    if (error instanceof TaskLimitError) return { kind: 'unusable-schema' };
    throw error;
  }
}

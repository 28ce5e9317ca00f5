import type { Migration } from 'kysely/migration';
import { threadsAndTurns } from './0001-threads-and-turns.js';
import { callerTools } from './0002-caller-tools.js';

/** All migrations in order, the same for both databases. A released migration never changes. */
export const MIGRATIONS: Readonly<Record<string, Migration>> & Record<string, Migration> = {
  '0001-threads-and-turns': threadsAndTurns,
  '0002-caller-tools': callerTools,
};

import { sql } from 'kysely';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import StoreLimiter from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import type { Database } from '../database/database.js';

/** What is counted of one name. */
interface Count {
  readonly points: number;
  readonly expires_at: number;
}

/**
 * Limits how often something may happen in a window of time, right across the servers of one store and across restarts: the store counts, and
 * its clock says when a window ends. The library's own stores for SQL use the clocks of the servers.
 */
export class RequestLimiter extends StoreLimiter {
  readonly #database: Database;

  constructor(database: Database, limits: { readonly points: number; readonly durationSeconds: number }) {
    super({ storeClient: database, points: limits.points, duration: limits.durationSeconds, keyPrefix: '' });
    this.#database = database;
  }

  /** Counts, in one statement: the first of a window begins it. */
  async _upsert(name: string, points: number, durationMs: number, isForced = false): Promise<Count> {
    const now = this.#database.clock.now();
    const isOver = sql<boolean>`(request_counts.expires_at <= ${now} or ${sql.lit(isForced ? 1 : 0)} = 1)`;
    return this.#database.kysely
      .insertInto('request_counts')
      .values({ name, points, expires_at: now + durationMs })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({
          points: sql`case when ${isOver} then excluded.points else request_counts.points + excluded.points end`,
          expires_at: sql`case when ${isOver} then excluded.expires_at else request_counts.expires_at end`,
        }),
      )
      .returning(['points', 'expires_at'])
      .executeTakeFirstOrThrow();
  }

  async _get(name: string): Promise<Count | null> {
    const query = this.#database.kysely.selectFrom('request_counts').select(['points', 'expires_at']);
    const now = this.#database.clock.now();
    return (await query.where('name', '=', name).where('expires_at', '>', now).executeTakeFirst()) ?? null;
  }

  async _delete(name: string): Promise<boolean> {
    const query = this.#database.kysely.deleteFrom('request_counts').where('name', '=', name);
    return (await query.executeTakeFirst()).numDeletedRows > 0n;
  }

  _getRateLimiterRes(_name: string, _changedPoints: number, { points, expires_at }: Count): RateLimiterRes {
    const untilEndMs = Math.max(0, expires_at - this.#database.clock.now());
    return new RateLimiterRes(Math.max(0, this.points - points), untilEndMs, points);
  }
}

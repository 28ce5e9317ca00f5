import { Inject, Injectable } from '@nestjs/common';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import type { PolicySubject } from '../../domain/policy/policy.js';
import { Database } from '../database/database.js';
import { RequestLimiter } from './request-limiter.js';

/** The window of requests per minute. */
const WINDOW_SECONDS = 60;

/** What is left of a limit. */
export interface LimitState {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds since the epoch. */
  readonly resetsAt: number;
}

/** How many requests tenants and keys have sent. */
@Injectable()
export class RequestCountStore {
  /** By limit; limits are numbers that administrators choose, so that there are few. */
  readonly #limiters = new Map<number, RequestLimiter>();

  constructor(@Inject(Database) private readonly database: Database) {}

  /** Counts a request of a tenant or a key that may send so many in a minute. Rejects when the store cannot be reached. */
  async count(subject: PolicySubject, limit: number): Promise<LimitState & { readonly isExceeded: boolean }> {
    const name = subject.kind === 'key' ? `key:${subject.keyId}` : `tenant:${subject.tenant}`;
    try {
      return { ...this.toState(limit, await this.limiter(limit).consume(name)), isExceeded: false };
    } catch (result) {
      if (result instanceof RateLimiterRes) return { ...this.toState(limit, result), isExceeded: true };
      throw result;
    }
  }

  private toState(limit: number, { remainingPoints, msBeforeNext }: RateLimiterRes): LimitState {
    return { limit, remaining: remainingPoints, resetsAt: this.database.clock.now() + msBeforeNext };
  }

  private limiter(limit: number): RequestLimiter {
    const limiter =
      this.#limiters.get(limit) ??
      new RequestLimiter(this.database, { points: limit, durationSeconds: WINDOW_SECONDS });
    this.#limiters.set(limit, limiter);
    return limiter;
  }
}

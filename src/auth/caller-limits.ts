import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { type Observable, Subject } from 'rxjs';
import { dayOf } from '../domain/periods.js';
import { type AppliedPolicies, describeSubject, type LimitName } from '../domain/policy/policy.js';
import { ServiceError } from '../domain/service-error.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { type LimitState, RequestCountStore } from '../storage/stores/request-count.store.js';
import { UsageStore } from '../storage/stores/usage.store.js';
import { toLimitHeaders } from './limit-headers.js';

/** Counts the requests of callers with a limit, and tells them what is left of it. */
@Injectable()
export class CallerLimits {
  readonly #refusals$ = new Subject<LimitName>();

  constructor(
    private readonly requests: RequestCountStore,
    private readonly usage: UsageStore,
    private readonly clock: StoreClock,
  ) {}

  /** The limit of each request that was refused. Never completes; unsubscribing has no effect on requests. */
  get refusals$(): Observable<LimitName> {
    return this.#refusals$;
  }

  /**
   * Counts a request, and sets the headers of its response about limits, whatever it will be. Rejects when the store cannot be reached.
   *
   * @throws ServiceError (`rate_limited`) for one request too many in a minute.
   */
  async countRequest(response: Response, policies: AppliedPolicies): Promise<void> {
    response.set(toLimitHeaders('tokens', await this.tokenLimits(policies)));
    const states: LimitState[] = [];
    for (const { subject, policy } of policies) {
      if (policy.requests_per_minute === undefined) continue;
      const state = await this.requests.count(subject, policy.requests_per_minute);
      states.push(state);
      response.set(toLimitHeaders('requests', states));
      if (!state.isExceeded) continue;
      this.#refusals$.next('requests_per_minute');
      const problem = `The policy of ${describeSubject(subject)} allows ${state.limit} requests per minute.`;
      const waitMs = state.resetsAt - this.clock.now();
      throw new ServiceError('rate_limited', problem, { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
    }
  }

  private async tokenLimits(policies: AppliedPolicies): Promise<readonly LimitState[]> {
    const today = dayOf(this.clock.now());
    const states: LimitState[] = [];
    for (const { subject, policy } of policies) {
      if (policy.tokens_per_day === undefined) continue;
      const { tokens } = await this.usage.spent(subject, today);
      const limit = policy.tokens_per_day;
      states.push({ limit, remaining: Math.max(0, limit - tokens), resetsAt: today.endsAt });
    }
    return states;
  }
}

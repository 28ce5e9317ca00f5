import { Inject, Injectable } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { type Budget, budgetsOf, isSpent } from '../../domain/policy/budgets.js';
import { type AskedWork, assertPermitted } from '../../domain/policy/permissions.js';
import {
  type AppliedPolicies,
  type AppliedPolicy,
  describeSubject,
  type LimitName,
  type PolicySubject,
} from '../../domain/policy/policy.js';
import { ServiceError } from '../../domain/service-error.js';
import { Database } from '../../storage/database/database.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import type { StoredWith } from '../../storage/stores/turn.store.js';
import { countUnfinishedTurns, lockPolicySubject } from '../../storage/stores/unfinished-turns.js';
import { UsageStore } from '../../storage/stores/usage.store.js';

/** SDKs wait as long as `retry-after` says only up to this; later, a retry by itself would be refused again. */
const LONGEST_SDK_WAIT_SECONDS = 60;

/** Decides whether a caller's policies allow a new turn. Retries are not asked: the work was accepted already. */
@Injectable()
export class PolicyAdmission {
  readonly #refusals$ = new Subject<LimitName>();

  constructor(
    @Inject(Database) private readonly database: Database,
    private readonly usage: UsageStore,
    private readonly clock: StoreClock,
  ) {}

  /** The limit of each turn that was refused for one. Never completes; unsubscribing has no effect on turns. */
  get refusals$(): Observable<LimitName> {
    return this.#refusals$;
  }

  /**
   * Checks a new turn before anything of it is stored. Rejects also when the store cannot be reached.
   *
   * @param ending turns that make room for it: they are interrupted first.
   * @throws ServiceError `forbidden` for work that is not allowed, `rate_limited` at a limit, `budget_spent` for a spent budget.
   */
  async admit(policies: AppliedPolicies, work: AskedWork, ending: readonly string[] = []): Promise<void> {
    assertPermitted(policies, work);
    for (const applied of policies) {
      const { subject, policy } = applied;
      if (policy.concurrent_turns !== undefined)
        this.assertRoom(applied, (await countUnfinishedTurns(this.database.kysely, subject, ending)) + 1);
      await this.assertBudgetsLeft(applied);
    }
  }

  /**
   * Checks the number of concurrent turns once more, in the transaction that stores the turn and after it is stored: of two requests to two
   * servers at the same moment, one takes the last slot. `undefined` if there is no such limit.
   */
  storedWith(policies: AppliedPolicies, ending: readonly string[] = []): StoredWith | undefined {
    const limited = policies.filter(({ policy }) => policy.concurrent_turns !== undefined);
    if (limited.length === 0) return undefined;
    return async (transaction) => {
      // The tenant before the key, as when a tenant is removed: two transactions in two orders would wait for each other.
      for (const applied of limited.toReversed()) {
        await lockPolicySubject(transaction, applied.subject);
        this.assertRoom(applied, await countUnfinishedTurns(transaction, applied.subject, ending));
      }
    };
  }

  /** @param turns how many there are with the new one */
  private assertRoom({ subject, policy }: AppliedPolicy, turns: number): void {
    const limit = policy.concurrent_turns;
    if (limit === undefined || turns <= limit) return;
    this.#refusals$.next('concurrent_turns');
    throw new ServiceError(
      'rate_limited',
      `The policy of ${describeSubject(subject)} allows ${limit} turns at the same time.`,
    );
  }

  private async assertBudgetsLeft({ subject, policy }: AppliedPolicy): Promise<void> {
    const now = this.clock.now();
    for (const budget of budgetsOf(policy, now)) {
      if (!isSpent(budget, await this.usage.spent(subject, budget.period))) continue;
      this.#refusals$.next(budget.name);
      throw toRefusal(subject, budget, now);
    }
  }
}

function toRefusal(subject: PolicySubject, { name, allowed, period }: Budget, now: number): ServiceError {
  if (name === 'tokens_per_day') {
    const seconds = Math.max(1, Math.ceil((period.endsAt - now) / 1000));
    return new ServiceError(
      'rate_limited',
      `The policy of ${describeSubject(subject)} allows ${allowed} tokens per day. The next day begins at midnight UTC.`,
      { retryAfterSeconds: seconds, isRetryable: seconds <= LONGEST_SDK_WAIT_SECONDS },
    );
  }
  return new ServiceError(
    'budget_spent',
    `The policy of ${describeSubject(subject)} allows ${allowed} US dollars per month, which are spent. The next month begins on ${new Date(period.endsAt).toISOString().slice(0, 10)}.`,
  );
}

/** Does several things in the transaction that stores a turn; `undefined` for none. */
export function storedWithAll(...all: readonly (StoredWith | undefined)[]): StoredWith | undefined {
  const steps = all.filter((step) => step !== undefined);
  if (steps.length === 0) return undefined;
  return async (transaction) => {
    for (const step of steps) await step(transaction);
  };
}

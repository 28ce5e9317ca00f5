import type { Transaction } from 'kysely';
import { budgetsOf, isSpentBy, type Spent } from '../../domain/policy/budgets.js';
import type { Tables } from '../database/tables.js';
import { findPolicies } from '../stores/policy.store.js';
import type { TurnOutcome } from '../stores/turn.js';
import { lockPolicySubject } from '../stores/unfinished-turns.js';
import { readSpent } from '../stores/usage.store.js';
import { toBudgetEvent } from '../stores/webhook-event.js';
import { queueWebhooks, type WebhookAudience } from '../stores/webhook.store.js';

/** Whom a turn is billed to. */
interface Billed {
  readonly tenant: string;
  readonly keyId: string | undefined;
}

/**
 * Stores the webhooks of the budgets that a turn has spent, in the transaction that ends it and has recorded its usage: one for each budget,
 * however many turns of several servers end at the same moment. Must be the last of the transaction that writes: it locks the tenant.
 */
export async function queueBudgetWebhooks(
  transaction: Transaction<Tables>,
  billed: Billed,
  outcome: Pick<TurnOutcome, 'usage' | 'bill' | 'endedAt'>,
  audiences: readonly WebhookAudience[],
): Promise<void> {
  const last = spentIn(outcome);
  if (audiences.length === 0 || (last.tokens === 0 && last.costMicros === 0)) return;
  const policies = await findPolicies(transaction, billed.tenant, billed.keyId);
  // The tenant before the key, as wherever both are locked.
  for (const { subject, policy } of policies.toReversed()) {
    const budgets = budgetsOf(policy, outcome.endedAt);
    if (budgets.length > 0) await lockPolicySubject(transaction, subject);
    for (const budget of budgets) {
      const spent = await readSpent(transaction, subject, budget.period);
      if (!isSpentBy(budget, spent, last)) continue;
      await queueWebhooks(
        transaction,
        toBudgetEvent(billed.tenant, subject, budget, spent, outcome.endedAt),
        audiences,
        outcome.endedAt,
      );
    }
  }
}

function spentIn({ usage, bill }: Pick<TurnOutcome, 'usage' | 'bill'>): Spent {
  const { inputTokens = 0, outputTokens = 0, cacheReadInputTokens = 0, cacheCreationInputTokens = 0 } = usage ?? {};
  const tokens = inputTokens + outputTokens + cacheReadInputTokens + cacheCreationInputTokens;
  return { tokens, costMicros: bill.costMicros ?? 0 };
}

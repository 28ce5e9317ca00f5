import type { Transaction } from 'kysely';
import { SIDE_THREAD_PREFIX } from '../../domain/side-thread.js';
import type { Tables } from '../database/tables.js';
import type { TurnOutcome } from '../stores/turn.js';
import { toTurnEvent, type WebhookThread } from '../stores/webhook-event.js';
import { queueWebhooks, type WebhookAudience } from '../stores/webhook.store.js';

/** The thread of a turn, and since when its tenant has an endpoint of its own. */
export interface NotifiedThread extends WebhookThread {
  readonly webhook: number | null;
}

/**
 * Stores the webhooks of a turn in the transaction that ends it. None for requests beside the conversation, such as for a title.
 *
 * @param options whether the deployment has an endpoint.
 */
export async function queueTurnWebhooks(
  transaction: Transaction<Tables>,
  thread: NotifiedThread,
  turn: { readonly id: string; readonly messageId: string },
  outcome: TurnOutcome,
  options: { readonly hasWebhook?: boolean },
): Promise<void> {
  const audiences: WebhookAudience[] = options.hasWebhook === true ? ['deployment'] : [];
  if (thread.webhook !== null) audiences.push('tenant');
  if (audiences.length === 0 || thread.key.startsWith(SIDE_THREAD_PREFIX)) return;
  await queueWebhooks(transaction, toTurnEvent(thread, turn, outcome), audiences, outcome.endedAt);
}

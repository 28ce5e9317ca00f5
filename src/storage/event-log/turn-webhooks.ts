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

/** Whose endpoints are told of what a thread does: that of the deployment, if it has one, and that of the thread's tenant. */
export function audiencesOf(
  { webhook }: Pick<NotifiedThread, 'webhook'>,
  { hasWebhook = false }: { readonly hasWebhook?: boolean },
): readonly WebhookAudience[] {
  return [...(hasWebhook ? (['deployment'] as const) : []), ...(webhook === null ? [] : (['tenant'] as const))];
}

/** Stores the webhooks of a turn in the transaction that ends it. None for requests beside the conversation, such as for a title. */
export async function queueTurnWebhooks(
  transaction: Transaction<Tables>,
  thread: WebhookThread,
  turn: { readonly id: string; readonly messageId: string },
  outcome: TurnOutcome,
  audiences: readonly WebhookAudience[],
): Promise<void> {
  if (audiences.length === 0 || thread.key.startsWith(SIDE_THREAD_PREFIX)) return;
  await queueWebhooks(transaction, toTurnEvent(thread, turn, outcome), audiences, outcome.endedAt);
}

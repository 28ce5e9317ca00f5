import { randomBytes } from 'node:crypto';
import type { TokenUsage } from '../../domain/harness-event.js';
import type { TurnOutcome } from './turn.js';

/** The thread of a turn, as far as its webhook names it. */
export interface WebhookThread {
  readonly tenant: string;
  readonly key: string;
  readonly harness: string;
  readonly model: string;
}

/** What happened, in the form of Standard Webhooks 1.0: it names the turn, and has nothing that was said in it. */
export interface WebhookEvent {
  readonly type: 'turn.ended' | 'turn.requires_action';
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: {
    readonly tenant: string;
    readonly thread_key: string;
    readonly turn_id: string;
    readonly message_id: string;
    readonly state: TurnOutcome['state'];
    readonly stop_reason: string | null;
    /** The kind of failure; null for a turn that did not fail. */
    readonly failure: string | null;
    readonly harness: string;
    readonly model: string;
    readonly usage: WebhookUsage | null;
  };
}

interface WebhookUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
}

/** What is sent about a turn that has ended: `turn.requires_action` if it waits for its caller's tools. */
export function toTurnEvent(
  thread: WebhookThread,
  turn: { readonly id: string; readonly messageId: string },
  outcome: TurnOutcome,
): WebhookEvent {
  return {
    type: outcome.callerCalls.length > 0 ? 'turn.requires_action' : 'turn.ended',
    timestamp: new Date(outcome.endedAt).toISOString(),
    data: {
      tenant: thread.tenant,
      thread_key: thread.key,
      turn_id: turn.id,
      message_id: turn.messageId,
      state: outcome.state,
      stop_reason: outcome.state === 'completed' ? outcome.stopReason : null,
      failure: outcome.state === 'completed' ? null : (outcome.failure?.kind ?? null),
      harness: thread.harness,
      model: thread.model,
      usage: outcome.usage === undefined ? null : toWebhookUsage(outcome.usage),
    },
  };
}

/** Makes the id of a delivery: the same in every attempt, so that its receiver can drop what it has already. */
export function createWebhookId(): string {
  return `wh_${randomBytes(16).toString('hex')}`;
}

function toWebhookUsage(usage: TokenUsage): WebhookUsage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_input_tokens: usage.cacheReadInputTokens,
    cache_creation_input_tokens: usage.cacheCreationInputTokens,
  };
}

import { randomBytes } from 'node:crypto';
import type { TokenUsage } from '../../domain/harness-event.js';
import { amountFor, type Budget, type BudgetName, type Spent } from '../../domain/policy/budgets.js';
import type { PolicySubject } from '../../domain/policy/policy.js';
import type { TurnOutcome } from './turn.js';

/** The thread of a turn, as far as its webhook names it. */
export interface WebhookThread {
  readonly tenant: string;
  readonly key: string;
  readonly harness: string;
  readonly model: string;
}

/** What happened, in the form of Standard Webhooks 1.0. */
export type WebhookEvent = TurnEvent | BudgetEvent;

/** A turn has ended, or waits for its caller's tools: names the turn, and has nothing that was said in it. */
export interface TurnEvent {
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

/** The first turn has ended with which a tenant or a key has spent a budget of its policy. */
export interface BudgetEvent {
  readonly type: 'budget.reached';
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: {
    readonly tenant: string;
    /** The key whose policy it is; null for the policy of the tenant. */
    readonly key_id: string | null;
    readonly budget: BudgetName;
    /** Tokens, or US dollars. */
    readonly allowed: number;
    readonly spent: number;
    /** When the next day or month begins, ISO 8601. */
    readonly period_ends_at: string;
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
): TurnEvent {
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

/** What is sent about a budget of a tenant, or of a key of it, that was spent at this time (milliseconds since the epoch). */
export function toBudgetEvent(
  tenant: string,
  subject: PolicySubject,
  { name, allowed, period }: Budget,
  spent: Spent,
  timeMs: number,
): BudgetEvent {
  return {
    type: 'budget.reached',
    timestamp: new Date(timeMs).toISOString(),
    data: {
      tenant,
      key_id: subject.kind === 'key' ? subject.keyId : null,
      budget: name,
      allowed,
      spent: amountFor(name, spent),
      period_ends_at: new Date(period.endsAt).toISOString(),
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

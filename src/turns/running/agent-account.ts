import type { FailureKind } from '../../domain/harness-event.js';
import type { TurnEnd } from './turn-outcome.js';

/**
 * Messages for failures of the agent's own account at its model provider. They replace the provider's text, which may name the
 * account or part of its key, and whose advice (`Please run /login`) the caller cannot follow.
 */
const CALLER_MESSAGES: Partial<Record<FailureKind, string>> = {
  authentication:
    "The agent of this server is not logged in to its model provider, or its credentials were refused. Your own key is not the cause; ask this server's administrator.",
  billing:
    "The account of this server's agent cannot pay its model provider (billing). Your own account is not the cause; ask this server's administrator.",
  permission:
    "The account of this server's agent may not do this at its model provider. Your own key is not the cause; ask this server's administrator.",
};

/** Replaces the message of an end that reports a failure of the agent's account; `undefined` for any other end. */
export function hideAccountDetails(end: TurnEnd): Extract<TurnEnd, { readonly type: 'turn-failed' }> | undefined {
  const message = end.type === 'turn-failed' ? CALLER_MESSAGES[end.kind] : undefined;
  return end.type === 'turn-failed' && message !== undefined ? { ...end, message } : undefined;
}

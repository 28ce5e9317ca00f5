import type { FailureKind } from '../../domain/harness-event.js';
import type { TurnEnd } from './turn-outcome.js';

/**
 * What callers are told of a failure that is about the account of the deployment's agent at its model provider, in place of the
 * provider's words: those may name the account or a part of its key, and their advice (`Please run /login`) is not for the caller.
 */
const CALLER_MESSAGES: Partial<Record<FailureKind, string>> = {
  authentication:
    "The agent of this server is not logged in to its model provider, or its credentials were refused. Your own key is not the cause; ask this server's administrator.",
  billing:
    "The account of this server's agent cannot pay its model provider (billing). Your own account is not the cause; ask this server's administrator.",
  permission:
    "The account of this server's agent may not do this at its model provider. Your own key is not the cause; ask this server's administrator.",
};

/** The end of a turn without what a model provider says of the deployment's account; `undefined` for an end that says nothing of it. */
export function hideAccountDetails(end: TurnEnd): Extract<TurnEnd, { readonly type: 'turn-failed' }> | undefined {
  const message = end.type === 'turn-failed' ? CALLER_MESSAGES[end.kind] : undefined;
  return end.type === 'turn-failed' && message !== undefined ? { ...end, message } : undefined;
}

import type { HarnessEvent } from '../domain/harness-event.js';

/** The end of a turn that cannot be run here. */
export type FailedEvent = Extract<HarnessEvent, { readonly type: 'turn-failed' }>;

/** The server does not have the harness: it was removed, or the thread is from a later version. */
export function harnessMissing(harness: string): FailedEvent {
  return fail('not_found', `The harness ${harness} is not available on this server.`);
}

/** A policy limits the hosts that the agent may reach, and nothing keeps the agent from the others. */
export const HOSTS_NOT_LIMITED = fail(
  'not_started',
  'A policy limits the hosts that agents may reach, which needs a sandbox that isolates them. This server has none.',
);

/** A policy names a workspace template that the server does not have. */
export function templateMissing(template: string): FailedEvent {
  return fail('not_started', `A policy names the workspace template ${template}, which this server does not have.`);
}

/** The turn has used more than it may, as this sentence says. */
export function limitExceeded(breach: string): FailedEvent {
  return fail('limit_exceeded', breach);
}

function fail(kind: FailedEvent['kind'], message: string): FailedEvent {
  return { type: 'turn-failed', kind, message };
}

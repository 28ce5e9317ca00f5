import type { FailureKind } from './harness-event.js';

/** Failures that a retry of the same request would meet again. */
const PERMANENT_FAILURES: readonly FailureKind[] = [
  'bad_request',
  'context_too_long',
  'authentication',
  'billing',
  'permission',
  'not_found',
  'not_started',
  'limit_exceeded',
];

/** Whether the same request would fail again in the same way. */
export function isPermanentFailure(kind: FailureKind): boolean {
  return PERMANENT_FAILURES.includes(kind);
}

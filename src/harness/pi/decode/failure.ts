import type { FailureKind, HarnessEvent } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import {
  findInnerError,
  isBillingText,
  KIND_OF_STATUS,
  kindOfProviderError,
  NO_REASON,
  withoutAddresses,
} from '../../failures/provider-failure.js';

type TurnFailed = Extract<HarnessEvent, { readonly type: 'turn-failed' }>;

/** What says more than a status of 400 does. */
const TOO_LONG = /prompt is too long|context limit|context window|context length/i;

/** For a failure without a status, such as one in the middle of an answer. */
const KIND_OF_TEXT: readonly (readonly [RegExp, FailureKind])[] = [
  [/api key|credentials|authenticat|unauthorized|no model selected/i, 'authentication'],
  [/overloaded|service unavailable/i, 'overloaded'],
  [/rate.?limit|too many requests/i, 'rate_limit'],
  [/timed? ?out/i, 'timeout'],
];

/**
 * Reads pi's `errorMessage`: the status, then the provider's own error object or its text (1.6.0, recordings pi-1.6.0-error-*). Anything
 * unknown is `internal`.
 */
export function parsePiFailure(errorMessage: string | undefined): TurnFailed {
  const [, status, text = ''] = /^(?:(\d{3}) )?(.*)$/s.exec(errorMessage ?? '') ?? [];
  const inner = findInnerError(text);
  const message = withoutAddresses(asString(inner?.['message']) ?? text).trim();
  return {
    type: 'turn-failed',
    kind: findKind(status, text) ?? 'internal',
    message: message === '' ? NO_REASON : message,
  };
}

function findKind(status: string | undefined, text: string): FailureKind | undefined {
  if (TOO_LONG.test(text)) return 'context_too_long';
  if (isBillingText(text)) return 'billing';
  const ofStatus = status === undefined ? undefined : KIND_OF_STATUS[Number(status)];
  const ofText = KIND_OF_TEXT.find(([pattern]) => status === undefined && pattern.test(text))?.[1];
  return ofStatus ?? kindOfProviderError(findInnerError(text)) ?? ofText;
}

import type { FailureKind, HarnessEvent } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';

type TurnFailed = Extract<HarnessEvent, { readonly type: 'turn-failed' }>;

const KIND_OF_STATUS: Readonly<Record<string, FailureKind>> = {
  400: 'bad_request',
  401: 'authentication',
  402: 'billing',
  403: 'permission',
  404: 'not_found',
  408: 'timeout',
  413: 'context_too_long',
  422: 'bad_request',
  429: 'rate_limit',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
};

/** What says more than a status does. */
const KIND_OF_TEXT: readonly (readonly [RegExp, FailureKind])[] = [
  [/prompt is too long|context limit|context window|context length|context_length_exceeded/i, 'context_too_long'],
  [/credit balance|insufficient_quota|current quota|billing/i, 'billing'],
];

/** For a failure without a status, such as one in the middle of an answer. */
const KIND_OF_TEXT_WITHOUT_STATUS: readonly (readonly [RegExp, FailureKind])[] = [
  [/api key|credentials|authenticat|unauthorized|no model selected/i, 'authentication'],
  [/overloaded|service unavailable/i, 'overloaded'],
  [/rate.?limit|too many requests/i, 'rate_limit'],
  [/timed? ?out/i, 'timeout'],
];

const ADDRESS = /https?:\/\/[^\s)"']+/g;
const NO_REASON = 'The agent failed without saying why.';

/**
 * Reads pi's `errorMessage`: the status, then the provider's own error object or its text (1.6.0, recordings pi-1.6.0-error-*). Anything
 * unknown is `internal`.
 */
export function parsePiFailure(errorMessage: string | undefined): TurnFailed {
  const [, status, text = ''] = /^(?:(\d{3}) )?(.*)$/s.exec(errorMessage ?? '') ?? [];
  const inner = asObject(parseObject(text)?.['error']);
  const message = (asString(inner['message']) ?? text).replaceAll(ADDRESS, '[address]').trim();
  const find = (patterns: typeof KIND_OF_TEXT): FailureKind | undefined =>
    patterns.find(([pattern]) => pattern.test(text))?.[1];
  const kind =
    find(KIND_OF_TEXT) ??
    (status === undefined ? find(KIND_OF_TEXT_WITHOUT_STATUS) : KIND_OF_STATUS[status]) ??
    'internal';
  return { type: 'turn-failed', kind, message: message === '' ? NO_REASON : message };
}

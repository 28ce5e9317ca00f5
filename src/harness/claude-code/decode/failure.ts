import type { FailureKind, HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, parseObject, asString } from '../../../domain/json.js';

type TurnFailed = Extract<HarnessEvent, { readonly type: 'turn-failed' }>;

const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
  400: 'bad_request',
  401: 'authentication',
  402: 'billing',
  403: 'permission',
  404: 'not_found',
  408: 'timeout',
  413: 'context_too_long',
  429: 'rate_limit',
  504: 'timeout',
  529: 'overloaded',
};

const KIND_OF_TYPE: Readonly<Record<string, FailureKind>> = {
  invalid_request_error: 'bad_request',
  authentication_error: 'authentication',
  billing_error: 'billing',
  permission_error: 'permission',
  not_found_error: 'not_found',
  request_too_large: 'context_too_long',
  rate_limit_error: 'rate_limit',
  timeout_error: 'timeout',
  overloaded_error: 'overloaded',
};

// Texts that are more specific than the status, or that come without one.
const KIND_OF_TEXT: readonly (readonly [RegExp, FailureKind])[] = [
  [/prompt is too long|context window|context limit/i, 'context_too_long'],
  [/credit balance|billing/i, 'billing'],
];
const KIND_OF_TEXT_WITHOUT_STATUS: readonly (readonly [RegExp, FailureKind])[] = [
  [/invalid api key|not logged in|please run \/login|authenticat/i, 'authentication'],
  [/overloaded/i, 'overloaded'],
  [/rate limit|usage limit/i, 'rate_limit'],
  [/timed? ?out/i, 'timeout'],
];

const NO_REASON = 'The agent failed without saying why.';

/** Converts a failed `result` line, or a synthetic `assistant` line, to the failure of the turn. Unknown causes are `internal`. */
export function parseApiFailure(line: JsonObject, text: string): TurnFailed {
  const message = failureMessage(text);
  const kind = failureKind(asNumber(line['api_error_status']), asString(line['api_error_type']), message);
  return { type: 'turn-failed', kind, message: message === '' ? NO_REASON : normalizeWording(kind, message) };
}

function failureKind(status: number | undefined, type: string | undefined, message: string): FailureKind {
  const find = (patterns: typeof KIND_OF_TEXT) => patterns.find(([pattern]) => pattern.test(message))?.[1];
  return (
    find(KIND_OF_TEXT) ??
    (status === undefined ? undefined : KIND_OF_STATUS[status]) ??
    (type === undefined ? undefined : KIND_OF_TYPE[type]) ??
    (status === undefined ? find(KIND_OF_TEXT_WITHOUT_STATUS) : undefined) ??
    'internal'
  );
}

/**
 * Extracts the cause from `API Error: 400 <message>` (recording claude-bad-request); the message may be the model provider's error
 * object. Removes advice for a user at a terminal; one such text names the model's host (2.1.330).
 */
function failureMessage(text: string): string {
  const bare = text
    .replace(/^(?:Failed to authenticate\. )?API Error: ?/, '')
    .replace(/^\d{3} /, '')
    .replace(/ If it persists, check .*$/s, '')
    .replace(/ Run --model to pick a different model\.$/, '');
  const inner = asString(asObject(parseObject(bare)?.['error'])['message']);
  return (inner ?? bare).trim();
}

/** Claude Code as a caller compacts on exactly this lower-case text; Claude Code as the agent writes it with a capital. */
function normalizeWording(kind: FailureKind, message: string): string {
  return kind === 'context_too_long' ? message.replace(/prompt is too long/i, 'prompt is too long') : message;
}

import type { FailureKind, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../../domain/json.js';

/** Why a turn failed, in our words. */
export interface Failure {
  readonly kind: FailureKind;
  /** What a caller may read. */
  readonly message: string;
}

// `codexErrorInfo` of Codex 0.169.0 (`codex app-server generate-ts`); names that are missing here say nothing about the kind. What
// is a refusal is in `stop.ts`.
const KIND_OF_INFO: Readonly<Record<string, FailureKind>> = {
  contextWindowExceeded: 'context_too_long',
  usageLimitExceeded: 'rate_limit',
  rateLimitExceeded: 'rate_limit',
  sessionBudgetExceeded: 'rate_limit',
  serverOverloaded: 'overloaded',
  flexUnavailable: 'overloaded',
  policyCapacityUnavailable: 'overloaded',
  modelNotFound: 'not_found',
  unauthorized: 'authentication',
  badRequest: 'bad_request',
  inferenceHookDenied: 'permission',
};

// `error.type` and `error.code` of the OpenAI API, and of proxies in front of it that use Anthropic's names.
const KIND_OF_TYPE: Readonly<Record<string, FailureKind>> = {
  context_length_exceeded: 'context_too_long',
  invalid_request_error: 'bad_request',
  authentication_error: 'authentication',
  invalid_api_key: 'authentication',
  insufficient_quota: 'billing',
  billing_error: 'billing',
  permission_error: 'permission',
  not_found_error: 'not_found',
  model_not_found: 'not_found',
  rate_limit_error: 'rate_limit',
  rate_limit_exceeded: 'rate_limit',
  overloaded_error: 'overloaded',
  server_is_overloaded: 'overloaded',
  timeout_error: 'timeout',
};

const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
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

// What says more than a status does: providers give it with a 400, a 402 or a 429.
const BILLING = /credit balance|insufficient_quota|current quota|billing details|billing_error/i;

// How Codex 0.169.0 words an answer that it did not expect (seen); the address is nobody's business.
const UNEXPECTED_STATUS = /^unexpected status (\d{3})[^:]*: (.*?)(?:, url: .*)?$/s;

const ADDRESS = /https?:\/\/[^\s)"']+/g;

/** Reads a `turn.error`, the `error` of an error notification, or a bare text. Anything unknown is `internal`. */
export function parseCodexFailure(error: JsonValue | undefined): Failure {
  const fields: JsonObject = typeof error === 'string' ? { message: error } : asObject(error);
  const text = asString(fields['message']) ?? '';
  const inner = innerError(text);
  const kind = BILLING.test(text)
    ? 'billing'
    : (kindOfInfo(fields['codexErrorInfo']) ?? kindOfInner(inner) ?? kindOfText(text) ?? 'internal');
  const message = asString(inner?.['message']) ?? UNEXPECTED_STATUS.exec(text)?.[2] ?? text.replaceAll(ADDRESS, '…');
  return { kind, message: message === '' ? 'The agent failed without saying why.' : message };
}

function kindOfInfo(info: JsonValue | undefined): FailureKind | undefined {
  if (typeof info === 'string') return KIND_OF_INFO[info];
  const status = Object.values(asObject(info)).map((details) => asNumber(asObject(details)['httpStatusCode']))[0];
  return status === undefined ? undefined : KIND_OF_STATUS[status];
}

function kindOfInner(inner: JsonObject | undefined): FailureKind | undefined {
  // The code is the finer of the two: a context that is too long has the type of any bad request.
  const [code, type] = [asString(inner?.['code']), asString(inner?.['type'])];
  return (code === undefined ? undefined : KIND_OF_TYPE[code]) ?? (type === undefined ? undefined : KIND_OF_TYPE[type]);
}

function kindOfText(text: string): FailureKind | undefined {
  const status = UNEXPECTED_STATUS.exec(text)?.[1];
  return status === undefined ? undefined : KIND_OF_STATUS[Number(status)];
}

/** The model provider's own error object, when the message is or holds its JSON (recording codex-bad-request). */
function innerError(text: string): JsonObject | undefined {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  if (from < 0 || to < from) return undefined;
  const error = parseObject(text.slice(from, to + 1))?.['error'];
  return isJsonObject(error) ? error : undefined;
}

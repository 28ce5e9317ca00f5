import type { FailureKind, JsonObject } from '../../domain/harness-event.js';
import { isJsonObject, asString, parseObject } from '../../domain/json.js';

/** Why a turn failed, in our words. */
export interface ProviderFailure {
  readonly kind: FailureKind;
  /** What a caller may read. */
  readonly message: string;
}

/** The message of a failure that the agent does not explain. */
export const NO_REASON = 'The agent failed without saying why.';

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

/** The kind of an HTTP status of a model's API; `undefined` for one that says nothing about the kind. */
export const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
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

/** Whether a text says that the deployment's account cannot pay. */
export function isBillingText(text: string): boolean {
  return BILLING.test(text);
}

const ADDRESS = /https?:\/\/[^\s)"']+/g;

/** A text without the addresses in it, which are nobody's business. */
export function withoutAddresses(text: string): string {
  return text.replaceAll(ADDRESS, '…');
}

/** The kind of an `error` object of a model's API; `undefined` for one that is not known. */
export function kindOfProviderError(error: JsonObject | undefined): FailureKind | undefined {
  // The code is the finer of the two: a context that is too long has the type of any bad request.
  const [code, type] = [asString(error?.['code']), asString(error?.['type'])];
  return (code === undefined ? undefined : KIND_OF_TYPE[code]) ?? (type === undefined ? undefined : KIND_OF_TYPE[type]);
}

/** The model provider's own error object, when the message is or holds its JSON (recording codex-bad-request). */
export function findInnerError(text: string): JsonObject | undefined {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  if (from < 0 || to < from) return undefined;
  const error = parseObject(text.slice(from, to + 1))?.['error'];
  return isJsonObject(error) ? error : undefined;
}

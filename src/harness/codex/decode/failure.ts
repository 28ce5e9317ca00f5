import type { FailureKind, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { asNumber, asObject, asString } from '../../../domain/json.js';
import {
  findInnerError,
  isBillingText,
  kindOfProviderError,
  KIND_OF_STATUS,
  NO_REASON,
  type ProviderFailure,
  withoutAddresses,
} from '../../failures/provider-failure.js';

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

// How Codex 0.169.0 words an answer that it did not expect (seen); the address is nobody's business.
const UNEXPECTED_STATUS = /^unexpected status (\d{3})[^:]*: (.*?)(?:, url: .*)?$/s;

/** Reads a `turn.error`, the `error` of an error notification, or a bare text. Anything unknown is `internal`. */
export function parseCodexFailure(error: JsonValue | undefined): ProviderFailure {
  const fields: JsonObject = typeof error === 'string' ? { message: error } : asObject(error);
  const text = asString(fields['message']) ?? '';
  const inner = findInnerError(text);
  const kind = isBillingText(text)
    ? 'billing'
    : (kindOfInfo(fields['codexErrorInfo']) ?? kindOfProviderError(inner) ?? kindOfText(text) ?? 'internal');
  const message = asString(inner?.['message']) ?? UNEXPECTED_STATUS.exec(text)?.[2] ?? withoutAddresses(text);
  return { kind, message: message === '' ? NO_REASON : message };
}

function kindOfInfo(info: JsonValue | undefined): FailureKind | undefined {
  if (typeof info === 'string') return KIND_OF_INFO[info];
  const status = Object.values(asObject(info)).map((details) => asNumber(asObject(details)['httpStatusCode']))[0];
  return status === undefined ? undefined : KIND_OF_STATUS[status];
}

function kindOfText(text: string): FailureKind | undefined {
  const status = UNEXPECTED_STATUS.exec(text)?.[1];
  return status === undefined ? undefined : KIND_OF_STATUS[Number(status)];
}

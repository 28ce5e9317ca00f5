import type { FailureKind, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import {
  findInnerError,
  isBillingText,
  kindOfProviderError,
  KIND_OF_STATUS,
  NO_REASON,
  type ProviderFailure,
  withoutAddresses,
} from '../../failures/provider-failure.js';

/** JSON-RPC's error of a prompt. */
export interface PromptError {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

/** The protocol's own code for an agent that wants to be logged in. */
const AUTH_REQUIRED = -32_000;

// Statuses of HTTP, as agents quote them: `400 scripted error 400`, `API Error: 400 …`, `last status: 429 Too Many Requests`, `(HTTP 401)`
// (recordings *.error-*).
const STATUS = /(?:^|[\s(:])([45]\d\d)\b/;

const WORDS: readonly (readonly [RegExp, FailureKind])[] = [
  [/rate.?limit|too many requests|quota/i, 'rate_limit'],
  [/overloaded|529/i, 'overloaded'],
  [/context.{0,20}(length|window|size|limit|overflow)|prompt is too long|maximum context/i, 'context_too_long'],
  [/authenticat|unauthori[sz]ed|invalid api.?key|api key not valid/i, 'authentication'],
  [/permission.?denied|forbidden/i, 'permission'],
  [/model.{0,40}not.found|not_found/i, 'not_found'],
  [/timed? ?out/i, 'timeout'],
];

/** The agent's own names of errors: `data.errorName` of opencode 1.18.33, `data.errorKind` of claude-agent-acp 0.101.0. */
const KIND_OF_NAME: Readonly<Record<string, FailureKind>> = {
  ProviderAuthError: 'authentication',
  ContextOverflowError: 'context_too_long',
  authentication_failed: 'authentication',
  billing_error: 'billing',
  rate_limit: 'rate_limit',
  overloaded: 'overloaded',
  invalid_request: 'bad_request',
};

/** What the answer of an agent to a prompt says of the failure of its turn. Anything unknown is `internal`. */
export function parsePromptError({ code, message, data }: PromptError): ProviderFailure {
  const fields: JsonObject = asObject(data);
  // The message alone may be "Internal error" (recording qwen.error-bad_request).
  const text = asString(fields['details']) ?? message;
  const { kind, message: reason } = parseFailureText(text.replace(/^Internal error: /, ''));
  const name = asString(fields['errorName']) ?? asString(fields['errorKind']);
  const named = name === undefined ? undefined : KIND_OF_NAME[name];
  // Gemini CLI 0.61.0 has the status of HTTP for a code (recording gemini.error-bad_request).
  const coded = KIND_OF_STATUS[code] ?? (code === AUTH_REQUIRED ? 'authentication' : undefined);
  return { kind: kind === 'billing' ? kind : (coded ?? named ?? kind), message: reason };
}

/** What a text says of the failure of a turn. */
export function parseFailureText(text: string): ProviderFailure {
  const said = text.trim();
  const inner = findInnerError(said);
  const message = asString(inner?.['message']) ?? withoutAddresses(said.replace(/^(API )?Error: /, ''));
  return { kind: kindOfText(said, inner), message: message === '' ? NO_REASON : message };
}

function kindOfText(text: string, inner: JsonObject | undefined): FailureKind {
  if (isBillingText(text)) return 'billing';
  const status = STATUS.exec(text)?.[1];
  return (
    kindOfProviderError(inner) ??
    (status === undefined ? undefined : KIND_OF_STATUS[Number(status)]) ??
    WORDS.find(([pattern]) => pattern.test(text))?.[1] ??
    'internal'
  );
}

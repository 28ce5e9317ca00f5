import type { FailureKind } from '../../domain/harness-event.js';

/** The codes of failed turns in the APIs of OpenAI. */
export type OpenaiErrorCode =
  | 'invalid_prompt'
  | 'context_length_exceeded'
  | 'insufficient_quota'
  | 'rate_limit_exceeded'
  | 'server_is_overloaded'
  | 'server_error';

/** Why a turn failed, as its caller is told. */
export interface OpenaiFailure {
  readonly code: OpenaiErrorCode;
  readonly message: string;
}

/** How a failure of a turn is told in an answer, and over HTTP where nothing was sent yet. */
interface FailureForm {
  readonly code: OpenaiErrorCode;
  readonly status: number;
  /** Whether the SDKs must not repeat the request by themselves. */
  readonly isFinal: boolean;
}

const FINAL = { isFinal: true } as const;

/**
 * The form of each kind of failure. Codex takes the codes before `rate_limit_exceeded` and `server_is_overloaded` for final, and repeats the
 * request five times for `server_error`. Of the final ones it shows our own words only with `invalid_prompt`, so that has the failures
 * of the agent's own account. [Codex 0.169.0]
 */
const FAILURE_FORMS: Readonly<Record<FailureKind, FailureForm>> = {
  bad_request: { code: 'invalid_prompt', status: 400, ...FINAL },
  not_found: { code: 'invalid_prompt', status: 400, ...FINAL },
  context_too_long: { code: 'context_length_exceeded', status: 400, ...FINAL },
  authentication: { code: 'invalid_prompt', status: 500, ...FINAL },
  permission: { code: 'invalid_prompt', status: 500, ...FINAL },
  not_started: { code: 'invalid_prompt', status: 500, ...FINAL },
  limit_exceeded: { code: 'invalid_prompt', status: 500, ...FINAL },
  billing: { code: 'insufficient_quota', status: 429, ...FINAL },
  rate_limit: { code: 'rate_limit_exceeded', status: 429, isFinal: false },
  overloaded: { code: 'server_is_overloaded', status: 503, isFinal: false },
  timeout: { code: 'server_error', status: 500, isFinal: false },
  process_died: { code: 'server_error', status: 500, isFinal: false },
  internal: { code: 'server_error', status: 500, isFinal: false },
};

/** How long callers are asked to wait: the agent has tried again already. */
export const RETRY_AFTER_SECONDS = 5;

/** The failure of a turn whose events stop without an end. */
export const NO_END: OpenaiFailure = { code: 'server_error', message: 'The agent stopped before its turn ended.' };

/** The failure of a turn that has filled the context of its agent's model. */
export const CONTEXT_FULL: OpenaiFailure = {
  code: 'context_length_exceeded',
  message: 'The context of the agent’s model is full.',
};

/** What a caller reads where the model refused and its provider gave no reason. */
export const REFUSED = 'The model refused to answer.';

/** Returns how a kind of failure is told. */
export function toFailureForm(kind: FailureKind): FailureForm {
  return FAILURE_FORMS[kind];
}

/** Words a failure for its caller. Codex reads from the message of a `rate_limit_exceeded` how long to wait. [Codex 0.169.0] */
export function wordFailure(code: OpenaiErrorCode, message: string, seconds = RETRY_AFTER_SECONDS): string {
  return code === 'rate_limit_exceeded' ? `${message} Please try again in ${seconds}s.` : message;
}

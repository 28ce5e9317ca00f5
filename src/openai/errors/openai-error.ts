import { HttpException } from '@nestjs/common';
import type { FailureKind } from '../../domain/harness-event.js';
import { ServiceError, type ServiceErrorKind } from '../../domain/service-error.js';
import { SERVICE_ERROR_STATUS, toErrorHeaders } from '../../http/service-error-http.js';
import { type OpeningRefusal, OpeningRefusedError } from '../../turns/matching/refusals.js';
import { type OpenaiFailure, RETRY_AFTER_SECONDS, toFailureForm } from './failure-form.js';
import { OpenaiException } from './openai.exception.js';

/** The type and the code of each kind of refusal, as the API has them. */
const KINDS: Readonly<Record<ServiceErrorKind, readonly [type: string, code: string | null]>> = {
  bad_request: ['invalid_request_error', null],
  unsupported_media_type: ['invalid_request_error', 'unsupported_media_type'],
  unauthenticated: ['invalid_request_error', 'invalid_api_key'],
  budget_spent: ['insufficient_quota', 'insufficient_quota'],
  forbidden: ['invalid_request_error', 'forbidden'],
  not_found: ['invalid_request_error', 'not_found'],
  conflict: ['invalid_request_error', 'conflict'],
  too_large: ['invalid_request_error', 'request_too_large'],
  request_timeout: ['invalid_request_error', 'request_timeout'],
  rate_limited: ['rate_limit_error', 'rate_limit_exceeded'],
  overloaded: ['server_error', 'server_is_overloaded'],
  unavailable: ['server_error', 'server_error'],
};

/** The field of an API that has the conversation. */
export type InputField = 'input' | 'messages';

/** The field at the beginning of a problem, such as `input[2].content: must be …`. */
const FIELD = /^([a-z_]+(?:\.[a-z_]+|\[\d+\])*): /;

/**
 * Renders a thrown value for a caller. Errors that are not meant for callers become a 500 without details.
 *
 * @param inputField the field of the API that has the conversation.
 */
export function toOpenaiException(thrown: unknown, inputField: InputField): OpenaiException {
  if (thrown instanceof OpenaiException) return thrown;
  if (thrown instanceof ServiceError) return fromRefusal(thrown, inputField);
  if (thrown instanceof HttpException && thrown.getStatus() < 500) {
    // Nest's messages quote the path.
    const message = thrown.getStatus() === 404 ? 'There is no such route.' : 'The request cannot be read.';
    return new OpenaiException(thrown.getStatus(), toBody(message, 'invalid_request_error', null));
  }
  return new OpenaiException(500, toBody('Internal server error', 'server_error', 'server_error'));
}

/** Makes the HTTP error of a turn that failed before anything was sent. */
export function toFailureException(error: OpenaiFailure, kind: FailureKind): OpenaiException {
  const { status, isFinal } = toFailureForm(kind);
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const waits = error.code === 'rate_limit_exceeded' || error.code === 'server_is_overloaded';
  return new OpenaiException(status, toBody(error.message, type, error.code), {
    ...(isFinal ? { 'x-should-retry': 'false' } : {}),
    ...(waits ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
  });
}

function fromRefusal(refusal: ServiceError, inputField: InputField): OpenaiException {
  const { kind, options } = refusal;
  const [type, code] = KINDS[kind];
  const message = refusal instanceof OpeningRefusedError ? wordOpeningRefusal(refusal, inputField) : refusal.message;
  const isNoModel = refusal instanceof OpeningRefusedError && refusal.refusal.reason === 'no-such-model';
  return new OpenaiException(
    kind === 'budget_spent' ? 429 : SERVICE_ERROR_STATUS[kind],
    toBody(message, type, isNoModel ? 'model_not_found' : (options.code ?? code)),
    toErrorHeaders(refusal),
  );
}

/** The words of these APIs for refusals that are worded for the Messages API. */
function wordOpeningRefusal({ refusal, message }: OpeningRefusedError, inputField: InputField): string {
  return WORDS[refusal.reason]?.(refusal, inputField) ?? message;
}

type Wording = (refusal: OpeningRefusal, inputField: InputField) => string;

const WORDS: Partial<Readonly<Record<OpeningRefusal['reason'], Wording>>> = {
  'missing-results': (refusal, field) => `${field}: No tool output found for function call ${listIds(refusal)}.`,
  'unexpected-results': (refusal, field) =>
    `${field}: No tool call found for function call output with call_id ${listIds(refusal)}.`,
  'repeated-results': (refusal, field) =>
    `${field}: There are several outputs for the function call ${listIds(refusal)}.`,
  'thread-not-found': () => 'previous_response_id: the thread of this response is gone.',
  'already-continued': () =>
    'previous_response_id: another request has continued this response; continue the last one, or send the whole conversation.',
  'continue-in-flight': () => 'previous_response_id: another request that continues this response is still running.',
};

function listIds(refusal: OpeningRefusal): string {
  return 'callIds' in refusal ? refusal.callIds.join(', ').slice(0, 200) : '';
}

function toBody(message: string, type: string, code: string | null): OpenaiException['body'] {
  return { message, type, param: FIELD.exec(message)?.[1] ?? null, code };
}

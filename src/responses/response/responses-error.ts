import { HttpException } from '@nestjs/common';
import type { FailureKind } from '../../domain/harness-event.js';
import { ServiceError, type ServiceErrorKind } from '../../domain/service-error.js';
import { SERVICE_ERROR_STATUS, toErrorHeaders } from '../../http/service-error-http.js';
import { type OpeningRefusal, OpeningRefusedError } from '../../turns/matching/refusals.js';
import { RETRY_AFTER_SECONDS, type ResponseErrorCode, toFailureForm } from '../wire/response-failure.js';
import type { ResponseError } from '../wire/response-object.js';
import { ResponsesException } from './responses.exception.js';

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

/** The field at the beginning of a problem, such as `input[2].content: must be …`. */
const FIELD = /^([a-z_]+(?:\.[a-z_]+|\[\d+\])*): /;

/** Renders a thrown value for a caller of the Responses API. Errors that are not meant for callers become a 500 without details. */
export function toResponsesException(thrown: unknown): ResponsesException {
  if (thrown instanceof ResponsesException) return thrown;
  if (thrown instanceof ServiceError) return fromRefusal(thrown);
  if (thrown instanceof HttpException && thrown.getStatus() < 500) {
    // Nest's messages quote the path.
    const message = thrown.getStatus() === 404 ? 'There is no such route.' : 'The request cannot be read.';
    return new ResponsesException(thrown.getStatus(), toBody(message, 'invalid_request_error', null));
  }
  return new ResponsesException(500, toBody('Internal server error', 'server_error', 'server_error'));
}

/** Makes the HTTP error of a response that failed before anything was sent. */
export function toFailureException(error: ResponseError, kind: FailureKind): ResponsesException {
  const { status, isFinal } = toFailureForm(kind);
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const waits = error.code === 'rate_limit_exceeded' || error.code === 'server_is_overloaded';
  return new ResponsesException(status, toBody(error.message, type, error.code), {
    ...(isFinal ? { 'x-should-retry': 'false' } : {}),
    ...(waits ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
  });
}

/** Makes the failed response that tells a refusal to a client that must not get its status. */
export function toStreamedRefusal({ status, body, headers }: ResponsesException): ResponseError {
  const { message } = body;
  const code = toStreamedCode(status, body.code);
  const seconds = headers['retry-after'] ?? String(RETRY_AFTER_SECONDS);
  return { code, message: code === 'rate_limit_exceeded' ? `${message} Please try again in ${seconds}s.` : message };
}

/** Those that pass become `rate_limit_exceeded`: Codex then waits as the message says, up to five times. [Codex 0.169.0] */
function toStreamedCode(status: number, code: string | null): ResponseErrorCode {
  if (code === 'insufficient_quota' || code === 'server_is_overloaded') return code;
  if (code === 'conflict' || status === 408 || status === 429 || status === 503) return 'rate_limit_exceeded';
  return status < 500 ? 'invalid_prompt' : 'server_error';
}

function fromRefusal(refusal: ServiceError): ResponsesException {
  const { kind, options } = refusal;
  const [type, code] = KINDS[kind];
  const message = refusal instanceof OpeningRefusedError ? wordOpeningRefusal(refusal) : refusal.message;
  const isNoModel = refusal instanceof OpeningRefusedError && refusal.refusal.reason === 'no-such-model';
  return new ResponsesException(
    kind === 'budget_spent' ? 429 : SERVICE_ERROR_STATUS[kind],
    toBody(message, type, isNoModel ? 'model_not_found' : (options.code ?? code)),
    toErrorHeaders(refusal),
  );
}

/** The words of this API for refusals that are worded for the Messages API. */
function wordOpeningRefusal({ refusal, message }: OpeningRefusedError): string {
  return WORDS[refusal.reason]?.(refusal) ?? message;
}

type Wording = (refusal: OpeningRefusal) => string;

const WORDS: Partial<Readonly<Record<OpeningRefusal['reason'], Wording>>> = {
  'missing-results': (refusal) => `input: No tool output found for function call ${listIds(refusal)}.`,
  'unexpected-results': (refusal) =>
    `input: No tool call found for function call output with call_id ${listIds(refusal)}.`,
  'repeated-results': (refusal) => `input: There are several outputs for the function call ${listIds(refusal)}.`,
  'thread-not-found': () => 'previous_response_id: the thread of this response is gone.',
  'already-continued': () =>
    'previous_response_id: another request has continued this response; continue the last one, or send the whole conversation.',
  'continue-in-flight': () => 'previous_response_id: another request that continues this response is still running.',
};

function listIds(refusal: OpeningRefusal): string {
  return 'callIds' in refusal ? refusal.callIds.join(', ').slice(0, 200) : '';
}

function toBody(message: string, type: string, code: string | null): ResponsesException['body'] {
  return { message, type, param: FIELD.exec(message)?.[1] ?? null, code };
}

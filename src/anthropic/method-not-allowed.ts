import { AnthropicException } from './anthropic.exception.js';

/** Makes the error for an HTTP method that a route does not support. GET includes HEAD. */
export function methodNotAllowed(allowed: 'GET' | 'POST'): AnthropicException {
  return new AnthropicException('invalid_request_error', `Only ${allowed} is allowed here.`, {
    status: 405,
    headers: { allow: allowed === 'GET' ? 'GET, HEAD' : allowed },
  });
}

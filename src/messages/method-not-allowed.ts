import { AnthropicException } from '../anthropic/anthropic.exception.js';

/** The refusal of any other HTTP method than the one that a route has. GET brings HEAD with it. */
export function methodNotAllowed(allowed: 'GET' | 'POST'): AnthropicException {
  return new AnthropicException('invalid_request_error', `Only ${allowed} is allowed here.`, {
    status: 405,
    headers: { allow: allowed === 'GET' ? 'GET, HEAD' : allowed },
  });
}

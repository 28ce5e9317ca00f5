import type { Request } from 'express';
import { type CorsOrigins, isAllowedOrigin } from '../config/cors-origins.js';
import { isLoopback } from '../config/loopback.js';
import { AnthropicException } from '../anthropic/anthropic.exception.js';

/**
 * Without keys everybody on this machine may call, and that must not be every web page that somebody on it looks at: a page can have a
 * browser send a request here, or have a name of its own resolve to this address. Pages of another server on this machine are no
 * better, as an agent may have started it. So only the server's own page (`/docs`) and those that `CHIRON_CORS_ORIGINS` names may call.
 *
 * Browsers send a page's `Origin` with every request that can change something, and ask the server before a page sends JSON: where
 * the origin is hidden, the type of the body tells.
 *
 * @throws AnthropicException 403 for a page or a name that is not a loopback one, 415 for a body that is not JSON by its type
 */
export function refuseWebPages(request: Request, allowed: CorsOrigins): void {
  const host = request.get('host');
  if (host !== undefined && !isLoopback(host.replace(/:\d+$/, ''))) {
    throw refusal('Without CHIRON_API_KEYS only programs on this machine may call, by a loopback name.');
  }
  if (isForeignPage(request, allowed)) {
    throw refusal('Without CHIRON_API_KEYS a web page may call only when CHIRON_CORS_ORIGINS names its origin.');
  }
  if (hasBody(request) && !JSON_TYPE.test(request.get('content-type') ?? '')) {
    throw new AnthropicException('invalid_request_error', 'content-type must be application/json', { status: 415 });
  }
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function isForeignPage(request: Request, allowed: CorsOrigins): boolean {
  const origin = request.get('origin');
  if (origin !== undefined) return origin !== `http://${request.get('host')}` && !isAllowedOrigin(origin, allowed);
  // What a link, a picture or a script of a page asks for.
  return !['same-origin', 'none', undefined].includes(request.get('sec-fetch-site'));
}

function hasBody(request: Request): boolean {
  const length = request.get('content-length');
  return request.get('transfer-encoding') !== undefined || (length !== undefined && length !== '0');
}

function refusal(message: string): AnthropicException {
  return new AnthropicException('permission_error', message);
}

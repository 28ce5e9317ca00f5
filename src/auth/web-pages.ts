import type { Request } from 'express';
import { type CorsOrigins, isAllowedOrigin } from '../config/cors-origins.js';
import { AnthropicException } from '../translator/anthropic.exception.js';

/**
 * Keeps the web pages that somebody on this machine looks at from calling a server without keys: pages of another server on the same
 * machine as well, which may be a dev server of an agent. Only the server's own page (`/docs`) and the pages that
 * `CHIRON_CORS_ORIGINS` names may call. Browsers send a page's `Origin` with every request that can change something, and ask first
 * whether a page may send JSON, so that a page that hides its origin cannot send a body that is read.
 *
 * @throws AnthropicException 403 for a page, 415 for a body of another type
 */
export function refuseWebPages(request: Request, allowed: CorsOrigins): void {
  if (isForeignPage(request, allowed)) {
    throw new AnthropicException(
      'permission_error',
      'Without CHIRON_API_KEYS a web page may call only when CHIRON_CORS_ORIGINS names its origin.',
    );
  }
  if (hasBody(request) && !JSON_TYPE.test(request.get('content-type') ?? '')) {
    throw new AnthropicException('invalid_request_error', 'content-type must be application/json', { status: 415 });
  }
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function isForeignPage(request: Request, allowed: CorsOrigins): boolean {
  const origin = request.get('origin');
  if (origin !== undefined) return origin !== `http://${request.get('host')}` && !isAllowedOrigin(origin, allowed);
  // A link, a picture or a script of a page: sent without an origin.
  return !['same-origin', 'none', undefined].includes(request.get('sec-fetch-site'));
}

function hasBody(request: Request): boolean {
  const length = request.get('content-length');
  return request.get('transfer-encoding') !== undefined || (length !== undefined && length !== '0');
}

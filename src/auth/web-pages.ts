import type { Request } from 'express';
import { type CorsOrigins, isAllowedOrigin } from '../config/cors-origins.js';
import { isLoopback } from '../config/loopback.js';
import { ServiceError } from '../domain/service-error.js';

/**
 * Without keys everybody on this machine may call, and that must not be every web page that somebody on it looks at: a page can have a
 * browser send a request here, or have a name of its own resolve to this address. Pages of another server on this machine are no
 * better, as an agent may have started it. So only the server's own page (`/docs`) and those that `CHIRON_CORS_ORIGINS` names may call.
 *
 * Browsers send a page's `Origin` with every request that can change something, and ask the server before a page sends JSON: where
 * the origin is hidden, the type of the body decides.
 *
 * @throws ServiceError `forbidden` for a page or a name that is not a loopback one, `unsupported_media_type` for a body that is not JSON by its type
 */
export function assertNotCrossSite(request: Request, allowed: CorsOrigins): void {
  const host = request.get('host');
  if (host !== undefined && !isLoopback(host.replace(/:\d+$/, ''))) {
    throw refusal('Without CHIRON_API_KEYS, only requests from this machine to a loopback host are accepted.');
  }
  if (isForeignPage(request, allowed)) {
    throw refusal('Without CHIRON_API_KEYS, a web page may call only when CHIRON_CORS_ORIGINS lists its origin.');
  }
  if (hasBody(request) && !JSON_TYPE.test(request.get('content-type') ?? '')) {
    throw new ServiceError('unsupported_media_type', 'content-type must be application/json');
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

function refusal(message: string): ServiceError {
  return new ServiceError('forbidden', message);
}

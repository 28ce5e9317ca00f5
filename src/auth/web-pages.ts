import type { Request } from 'express';
import { type CorsOrigins, isAllowedOrigin } from '../config/cors-origins.js';
import { isLoopback } from '../config/loopback.js';
import { ServiceError } from '../domain/service-error.js';

/**
 * Without keys every program on this machine may call, but web pages must not: a page can make the browser send a request here, or
 * resolve its own host name to this address (DNS rebinding). Pages of other servers on this machine are no safer, because an agent
 * may have started them. So only the server's own page (`/docs`) and the origins of `CHIRON_CORS_ORIGINS` may call.
 *
 * Browsers send `Origin` with every request that can change state, and send a preflight before a page posts JSON. Where the origin
 * is missing, the content type of the body decides.
 *
 * @throws ServiceError `forbidden` for a foreign page or a host name that is not loopback, `unsupported_media_type` for a body without a JSON content type
 */
export function assertNotCrossSite(request: Request, allowed: CorsOrigins): void {
  const host = request.get('host');
  if (host !== undefined && !isLoopback(host.replace(/:\d+$/, ''))) {
    throw refusal('Without CHIRON_API_KEYS, only requests from this machine to a loopback host are accepted.');
  }
  if (isForeignPage(request, allowed)) {
    throw refusal('Without CHIRON_API_KEYS, a web page may call only when CHIRON_CORS_ORIGINS lists its origin.');
  }
  if (hasBody(request) && !isUpload(request) && !JSON_TYPE.test(request.get('content-type') ?? '')) {
    throw new ServiceError('unsupported_media_type', 'content-type must be application/json');
  }
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

function isForeignPage(request: Request, allowed: CorsOrigins): boolean {
  const origin = request.get('origin');
  if (origin !== undefined) return origin !== `http://${request.get('host')}` && !isAllowedOrigin(origin, allowed);
  // Requests by a page's links, images and scripts.
  return !['same-origin', 'none', undefined].includes(request.get('sec-fetch-site'));
}

/**
 * Whether the body is a file. Browsers send a preflight before any `PUT` of a page, and `Origin` with a form that a page of another server posts.
 */
function isUpload(request: Request): boolean {
  if (request.method === 'PUT') return /^\/api\/session\/[^/]+\/files\//.test(request.path);
  return request.path === '/v1/files' && /^multipart\/form-data\s*;/i.test(request.get('content-type') ?? '');
}

function hasBody(request: Request): boolean {
  const length = request.get('content-length');
  return request.get('transfer-encoding') !== undefined || (length !== undefined && length !== '0');
}

function refusal(message: string): ServiceError {
  return new ServiceError('forbidden', message);
}

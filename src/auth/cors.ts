import type { INestApplication } from '@nestjs/common';
import type { CorsOrigins } from '../config/cors-origins.js';

/** What a page may read of an answer besides its body. */
const EXPOSED_HEADERS = ['request-id', 'retry-after', 'x-should-retry', 'x-chiron-thread-key', 'x-chiron-history'];

/** How long a browser may remember what a page may do, in seconds: Chromium's own limit. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Lets the pages of some origins call from a browser, with any header: SDKs send a dozen of their own. Preflights are answered before
 * the guard, as browsers send no key with them. Another page's request is answered without these headers, and its browser keeps the
 * answer from it.
 */
export function allowOrigins(app: INestApplication, origins: CorsOrigins): void {
  if (origins.length === 0) return;
  app.enableCors({
    origin: origins === '*' ? '*' : [...origins],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
}

import type { INestApplication } from '@nestjs/common';
import type { CorsOrigins } from '../config/cors-origins.js';
import { LIMIT_HEADERS } from './limit-headers.js';

/** Response headers that a page may read. */
const EXPOSED_HEADERS = [
  'request-id',
  'retry-after',
  'x-should-retry',
  'x-chiron-thread-key',
  'x-chiron-history',
  ...LIMIT_HEADERS,
];

/** How long a browser may cache a preflight: Chromium's own limit. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Lets the pages of these origins call from a browser, with any header, because SDKs send a dozen of their own. Preflights are
 * answered before the guard, because browsers send no key with them. Responses to other pages lack these headers, so that the
 * browser withholds them from the page.
 */
export function allowOrigins(app: INestApplication, origins: CorsOrigins): void {
  if (origins.length === 0) return;
  app.enableCors({
    origin: origins === '*' ? '*' : [...origins],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
}

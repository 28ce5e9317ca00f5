import type { Response } from 'express';
import { getRequestId } from '../../http/request-id.js';

/** The headers about limits by the API's names, and ours by which the guard has set them. */
const LIMITS = [
  ['x-ratelimit-limit-requests', 'anthropic-ratelimit-requests-limit'],
  ['x-ratelimit-remaining-requests', 'anthropic-ratelimit-requests-remaining'],
  ['x-ratelimit-limit-tokens', 'anthropic-ratelimit-tokens-limit'],
  ['x-ratelimit-remaining-tokens', 'anthropic-ratelimit-tokens-remaining'],
] as const;

/** Sets the headers that every answer of this API has: the request's id, and what is left of the caller's limits. */
export function setOpenaiHeaders(response: Response): void {
  response.setHeader('x-request-id', getRequestId(response));
  for (const [name, ours] of LIMITS) {
    const value = response.getHeader(ours);
    if (value !== undefined) response.setHeader(name, value);
  }
}

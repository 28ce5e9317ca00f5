import type { Response } from 'express';
import { encodeHeader } from '../http/header-text.js';

/** The header that names a request's thread, and tells a caller which thread its message went to. */
export const THREAD_KEY_HEADER = 'x-chiron-thread-key';

/**
 * The header that tells a caller that the agent's own record of the thread was gone: it is told what was said before, and has nothing
 * else of it.
 */
const HISTORY_HEADER = 'x-chiron-history';

/** Tells the caller which thread its message went to, and whether the thread's agent has lost its own record. */
export function setThreadHeaders(response: Response, threadKey: string, isHistoryLost: boolean): void {
  response.setHeader(THREAD_KEY_HEADER, encodeHeader(threadKey));
  if (isHistoryLost) response.setHeader(HISTORY_HEADER, 'lost');
}

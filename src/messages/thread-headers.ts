import type { Response } from 'express';
import { encodeHeader } from '../http/header-text.js';

/** The header that names a request's thread, and in the answer the thread that got the message. */
export const THREAD_KEY_HEADER = 'x-chiron-thread-key';

/**
 * The header that reports that the agent's own record of the thread was lost: it is seeded with the conversation, and has nothing
 * else of it.
 */
const HISTORY_HEADER = 'x-chiron-history';

/** Tells the caller which thread its message went to, and whether the thread's agent has lost its own record. */
export function setThreadHeaders(response: Response, threadKey: string, isHistoryLost: boolean): void {
  response.setHeader(THREAD_KEY_HEADER, encodeHeader(threadKey));
  if (isHistoryLost) response.setHeader(HISTORY_HEADER, 'lost');
}

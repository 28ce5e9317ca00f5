import type { Response } from 'express';
import { encodeHeader } from '../http/header-text.js';

/** The header that names the thread of a request, and in the response the thread that got the message. */
export const THREAD_KEY_HEADER = 'x-chiron-thread-key';

/**
 * The header that reports a lost record: the agent's own record of the thread is gone, and only the seeded conversation remains.
 */
const HISTORY_HEADER = 'x-chiron-history';

/** Sets the headers with the thread of the message and whether the thread's agent has lost its own record. */
export function setThreadHeaders(response: Response, threadKey: string, isHistoryLost: boolean): void {
  response.setHeader(THREAD_KEY_HEADER, encodeHeader(threadKey));
  if (isHistoryLost) response.setHeader(HISTORY_HEADER, 'lost');
}

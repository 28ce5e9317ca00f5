import type { Response } from 'express';
import { encodeHeader } from './header-text.js';

/** The header that names the thread of a request, and in the response the thread that got the message. */
export const THREAD_KEY_HEADER = 'x-chiron-thread-key';

/** The header that says which turns of its thread a client was given when it joined: see `KnownTurns`. */
export const KNOWN_TURNS_HEADER = 'x-chiron-known-turns';

/** The header that overrides the deployment's form of inner tools. */
export const TOOL_BLOCKS_HEADER = 'x-chiron-tool-blocks';

/** The header that overrides the deployment's policy on the caller's tools. */
export const CALLER_TOOLS_HEADER = 'x-chiron-caller-tools';

/**
 * The header that says how the request's history was matched with its thread: a `HistoryOutcome`, or `lost` if the agent's own record of the
 * thread was gone when the turn was opened, and only the seeded conversation remains.
 */
const HISTORY_HEADER = 'x-chiron-history';

/** Sets the header with the thread of a message that no turn answers. */
export function setThreadHeader(response: Response, threadKey: string): void {
  response.setHeader(THREAD_KEY_HEADER, encodeHeader(threadKey));
}

/** Sets the headers of a turn's message: its thread, and how the request's history was matched with that. */
export function setTurnHeaders(response: Response, threadKey: string, history: string): void {
  setThreadHeader(response, threadKey);
  response.setHeader(HISTORY_HEADER, history);
}

import { joinSystemBlocks } from '../system-blocks.js';
import { isBillingBlock } from './billing-header.js';

/** Precedes Claude Code's system prompt: without it the agent mistakes the caller's folders and tools for its own. */
const ABOUT_THE_CALLER =
  'The following was written for the program that forwards the user’s messages. It describes the machine and the tools of the caller, not yours:';

/**
 * Makes the system prompt for the thread's agent: Claude Code's own, after a line that says whose machine it describes. `undefined`
 * for none.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function addressedSystemPrompt(blocks: readonly string[]): string | undefined {
  const text = toSideSystemPrompt(blocks);
  return text === undefined ? undefined : `${ABOUT_THE_CALLER}\n\n${text}`;
}

/**
 * Makes the system prompt of a side request: Claude Code's own without its billing block. `undefined` for none.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function toSideSystemPrompt(blocks: readonly string[]): string | undefined {
  return joinSystemBlocks(blocks.filter((text) => !isBillingBlock(text)));
}

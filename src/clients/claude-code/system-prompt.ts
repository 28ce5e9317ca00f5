import { joinSystemBlocks } from '../system-blocks.js';
import { isBillingBlock } from './billing-header.js';

/** Said before a Claude Code caller's system prompt: without it the agent takes the caller's folders and tools for its own. */
const ABOUT_THE_CALLER =
  'The following was written for the program that forwards the user’s messages. It describes the machine and the tools of the caller, not yours:';

/**
 * The system prompt of Claude Code for the thread's agent: with a line before it that says whose machine it describes.
 * `undefined` for none.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function addressedSystemPrompt(blocks: readonly string[]): string | undefined {
  const text = sideSystemPrompt(blocks);
  return text === undefined ? undefined : `${ABOUT_THE_CALLER}\n\n${text}`;
}

/**
 * The system prompt of a side request of Claude Code as it is, without what says who pays; `undefined` for none.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function sideSystemPrompt(blocks: readonly string[]): string | undefined {
  return joinSystemBlocks(blocks.filter((text) => !isBillingBlock(text)));
}

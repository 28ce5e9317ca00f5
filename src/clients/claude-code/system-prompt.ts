import type { ClientKind } from '../client-kind.js';

/** The block that Claude Code puts first into its system prompt to say who pays. [Claude Code 2.1.330] */
const BILLING_HEADER = 'x-anthropic-billing-header';

/** Said before a Claude Code caller's system prompt: without it the agent takes the caller's folders and tools for its own. */
const ABOUT_THE_CALLER =
  'The following was written for the program that forwards the user’s messages. It describes the machine and the tools of the caller, not yours:';

/**
 * The system prompt that a thread gets from its caller, or `undefined` for none.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function callerSystemPrompt(
  blocks: readonly string[],
  caller: ClientKind,
  policy: 'append' | 'ignore',
): string | undefined {
  if (policy === 'ignore') return undefined;
  if (caller !== 'claude-code') return joined(blocks);
  const text = sideSystemPrompt(blocks);
  return text === undefined ? undefined : `${ABOUT_THE_CALLER}\n\n${text}`;
}

/**
 * The system prompt of a side request of Claude Code as it is, without what says who pays; `undefined` for none. It instructs for this one answer,
 * so no policy about callers in general leaves it out.
 *
 * @param blocks the texts of the request's `system`, one per block.
 */
export function sideSystemPrompt(blocks: readonly string[]): string | undefined {
  return joined(blocks.filter((text) => !text.trimStart().startsWith(BILLING_HEADER)));
}

function joined(blocks: readonly string[]): string | undefined {
  const texts = blocks.filter((text) => text.trim() !== '');
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

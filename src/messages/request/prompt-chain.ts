import { readRole } from '../../anthropic/content.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { computePromptKey, computePromptMessages } from '../../turns/matching/prompt-messages.js';
import type { PromptChain } from '../../turns/turn-request.js';

/** Makes the chain of a request's user messages. Hashes only the newest one; the others are hashed when they are read. */
export async function toPromptChain(messages: readonly unknown[], client: ClientProfile): Promise<PromptChain> {
  // All user messages since the last answer count as one, whatever the prompt has of them.
  const newest = messages.findLastIndex((message) => readRole(message) === 'assistant') + 1;
  const [prompt] = await computePromptMessages(messages.slice(newest), client.filterText);
  return {
    promptKey: prompt?.key,
    isComplete: client.sendsWholeConversation,
    findSummary: () => client.findSummary(messages),
    computeKey: (shown) => computePromptKey(shown, client.filterText),
    readPrompts: () => computePromptMessages(messages.slice(0, newest), client.filterText),
  };
}

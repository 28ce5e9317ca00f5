import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { asObject } from '../../domain/json.js';
import type { ClientRequestBody } from '../client-profile.js';
import { billsSubagent } from './billing-header.js';

/**
 * Prefixes of the messages that Claude Code sends to a fork of the conversation. The first four are recorded, the others are in the
 * program. [Claude Code 2.1.330]
 */
const FORK_PROMPTS = [
  // Compaction, manual and automatic.
  'CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.',
  // `/btw`.
  '<system-reminder>This is a side question from the user.',
  // `/recap`, also automatic after the user was away.
  'The user stepped away and is coming back.',
  // A suggestion for the user's next message.
  '[SUGGESTION MODE:',
  // Progress of a background agent, `/rename`, memories.
  'Describe your most recent action in 3-5 words',
  'Generate a short kebab-case name',
  'You are now acting as the memory extraction subagent.',
  '# Dream: Memory Consolidation',
];

/** Prefix of the system prompt of an `agent` hook. Its requests have tools, but no agent id. [Claude Code 2.1.330] */
const HOOK_AGENT = 'You are verifying a stop condition in Claude Code.';

/** Prefix of Claude Code's description of its machine, in turns and in requests of sub-agents. [Claude Code 2.1.330] */
const ENVIRONMENT = '# Environment\n';
/** Prefix of the same description by `claude --bare`, a block of the system prompt. [Claude Code 2.1.330] */
const BARE_ENVIRONMENT = 'CWD: ';
const REMINDER = '<system-reminder>\n';

/** Whether the texts of a request mark it as one of a sub-agent, a hook or a fork. */
export function isMarkedAsHelper({ system, messages }: ClientRequestBody): boolean {
  if (readTexts(system).some((text) => text.startsWith(HOOK_AGENT) || billsSubagent(text))) return true;
  return lastUserTexts(messages).some((text) => FORK_PROMPTS.some((prompt) => text.startsWith(prompt)));
}

/** Whether the caller offers tools that it runs itself. Tools that the API runs have their own type (`web_search_20250305`). */
export function offersTools({ tools }: ClientRequestBody): boolean {
  return (
    tools?.some((tool) => {
      const { type } = asObject(tool);
      return type === undefined || type === 'custom';
    }) ?? false
  );
}

/** Whether the request enables thinking. Claude Code's helper requests never do. */
export function requestsThinking({ thinking }: ClientRequestBody): boolean {
  return typeof thinking?.['type'] === 'string' && thinking['type'] !== 'disabled';
}

/** Whether the request describes the caller's machine, as every turn does, even with `--tools ""`. */
export function describesEnvironment({ system, messages }: ClientRequestBody): boolean {
  return (
    readTexts(system).some((text) => text.startsWith(BARE_ENVIRONMENT)) ||
    messages.some((message) => {
      const texts = readTexts(readContent(message));
      if (readRole(message) === 'system') return texts.some((text) => text.includes(ENVIRONMENT));
      return texts.some((text) => text.startsWith(REMINDER + ENVIRONMENT));
    })
  );
}

/**
 * Whether the request caches the end of the conversation: a turn marks its last block for the next turn, a fork only the part that it
 * shares with the conversation. True without any marks: caching may be off, or a proxy removed them.
 */
export function cachesConversationEnd(messages: readonly unknown[]): boolean {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const content = readContent(messages[index]);
    if (Array.isArray(content) && isMarked(content.at(-1))) return true;
    // A system message at the end is not always marked; then the user message before it is.
    if (readRole(messages[index]) !== 'system') break;
  }
  return !messages.some((message) => {
    const content = readContent(message);
    return Array.isArray(content) && content.some(isMarked);
  });
}

function isMarked(block: unknown): boolean {
  const mark = asObject(block)['cache_control'];
  return mark !== undefined && mark !== null;
}

/** Returns the texts of the last user message that has any; messages with only tool results are skipped. */
function lastUserTexts(messages: readonly unknown[]): readonly string[] {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    if (readRole(messages[index]) !== 'user') continue;
    const texts = readTexts(readContent(messages[index]));
    if (texts.length > 0) return texts;
  }
  return [];
}

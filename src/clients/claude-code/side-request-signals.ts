import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { asObject } from '../../domain/json.js';
import type { ClientRequestBody } from '../client-profile.js';
import { billsSubagent } from './billing-header.js';

/**
 * How the messages begin with which Claude Code asks a fork of the conversation for something. The first four are recorded, the
 * others are in the program. [Claude Code 2.1.330]
 */
const FORK_PROMPTS = [
  // Compaction, by hand and by itself.
  'CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.',
  // `/btw`.
  '<system-reminder>This is a side question from the user.',
  // `/recap`, and by itself when the user was away.
  'The user stepped away and is coming back.',
  // What the user may want to type next.
  '[SUGGESTION MODE:',
  // Progress of a background agent, `/rename`, memories.
  'Describe your most recent action in 3-5 words',
  'Generate a short kebab-case name',
  'You are now acting as the memory extraction subagent.',
  '# Dream: Memory Consolidation',
];

/** How the system prompt of a hook of type `agent` begins. It comes with tools, but without an agent's id. [Claude Code 2.1.330] */
const HOOK_AGENT = 'You are verifying a stop condition in Claude Code.';

/** How Claude Code begins to describe the machine that it runs on: to the model of a turn, and to sub-agents. [Claude Code 2.1.330] */
const ENVIRONMENT = '# Environment\n';
/** The same of `claude --bare`, as a block of the system prompt. [Claude Code 2.1.330] */
const BARE_ENVIRONMENT = 'CWD: ';
const REMINDER = '<system-reminder>\n';

/** Whether a request says in its own words that it is a helper's: a sub-agent's, a hook's, or a fork's. */
export function isMarkedAsHelper({ system, messages }: ClientRequestBody): boolean {
  if (readTexts(system).some((text) => text.startsWith(HOOK_AGENT) || billsSubagent(text))) return true;
  return lastUserTexts(messages).some((text) => FORK_PROMPTS.some((prompt) => text.startsWith(prompt)));
}

/** Whether the caller offers tools of its own. Those that the API runs (`web_search_20250305`) have a type that says so. */
export function offersTools({ tools }: ClientRequestBody): boolean {
  return (
    tools?.some((tool) => {
      const { type } = asObject(tool);
      return type === undefined || type === 'custom';
    }) ?? false
  );
}

/** Whether the model is to think. Helpers of Claude Code never ask for it. */
export function requestsThinking({ thinking }: ClientRequestBody): boolean {
  return typeof thinking?.['type'] === 'string' && thinking['type'] !== 'disabled';
}

/** Whether the request describes the caller's machine, as the one of a turn does, with `--tools ""` too. */
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
 * Whether the end of the conversation is to be cached: a turn marks its last block for the next one to read, a fork only what the
 * conversation has in common with it. True without any marks: caching may be off, or a proxy took them out.
 */
export function cachesConversationEnd(messages: readonly unknown[]): boolean {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const content = readContent(messages[index]);
    if (Array.isArray(content) && isMarked(content.at(-1))) return true;
    // A system message that follows is not always marked; then the user's is.
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

/** The texts of the last user message that has any: one that only has results of tools goes on with the one before. */
function lastUserTexts(messages: readonly unknown[]): readonly string[] {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    if (readRole(messages[index]) !== 'user') continue;
    const texts = readTexts(readContent(messages[index]));
    if (texts.length > 0) return texts;
  }
  return [];
}

import type { ClientKind } from '../client-kind.js';
import { isObject } from '../../turns/matching/conversation-key.js';
import { type TextFilter, keepText, withoutReminders } from './system-reminder.js';

/** What is taken of a caller's texts: only Claude Code adds what its user did not write. */
export function textFilterFor(caller: ClientKind): TextFilter {
  return caller === 'claude-code' ? withoutReminders : keepText;
}

/**
 * What Claude Code writes into its user's messages about its own doings. Each is a block of its own, whole: a user who quotes it is
 * left alone. [Claude Code 2.1.330, see `clients/claude-code/__fixtures__`]
 */
const MARKUP = [
  // A command that ran on the caller's machine, as `/model`: its name, what it printed, and a warning that neither is a request.
  /^<local-command-caveat>.*<\/local-command-caveat>$/s,
  /^<command-name>.*<\/command-(?:args|message)>$/s,
  /^<local-command-std(?:out|err)>.*<\/local-command-std(?:out|err)>$/s,
  // The name of a command or skill whose text follows: the text is the request.
  /^<command-message>.*<\/command-(?:name|args)>$/s,
  // Escape. It interrupts the turn (see `tellsOfInterruption`), and the agent has its own record of that.
  /^\[Request interrupted by user[^\]]*\]$/,
  // Where a pasted picture lies on the caller's machine.
  /^\[Image: source: [^\]]*\]$/,
];

/** `/context` alone prints what has no tags: the block after its name. */
const CONTEXT_COMMAND = '<command-name>/context</command-name>';
const CONTEXT_OUTPUT = '## Context Usage';

/** The longest block that is looked at, in characters: commands print less than what a user may paste. */
const MAX_MARKUP = 100_000;

/** The content of a user message of Claude Code without what it notes there of its own machine. Anything else stays as it is. */
export function stripClaudeCodeMarkup(content: unknown): unknown {
  if (!Array.isArray(content)) return isMarkup(content, '') ? [] : content;
  const texts = content.map((block: unknown) =>
    isObject(block) && block['type'] === 'text' ? block['text'] : undefined,
  );
  return content.filter((_, index) => !isMarkup(texts[index], texts[index - 1]));
}

function isMarkup(text: unknown, previous: unknown): boolean {
  if (typeof text !== 'string' || text.length > MAX_MARKUP) return false;
  const trimmed = text.trim();
  if (MARKUP.some((pattern) => pattern.test(trimmed))) return true;
  return typeof previous === 'string' && previous.startsWith(CONTEXT_COMMAND) && trimmed.startsWith(CONTEXT_OUTPUT);
}

/** How Claude Code tells its model that its user wants a plan first, when that begins or goes on, and when it is over. [2.1.330] */
const PLAN_MODE = ['Plan mode is active. The user indicated', 'Plan mode still active ('];
const PLAN_MODE_LEFT = '## Exited Plan Mode';

const ONLY_PLAN =
  'The user is in plan mode and does not want anything to be changed yet. Read and look up what you need, change nothing, and answer with a plan.';
const PLAN_OVER = 'The user has left plan mode: you may make changes again.';

/**
 * What the agent must know of the mode that the caller's user is in, in our own words: Claude Code's name files and tools of its own
 * machine. `undefined` when nothing changes.
 *
 * @param context what Claude Code says around the newest message.
 */
export function planModeNote(context: readonly string[]): string | undefined {
  const text = context.join('\n');
  const left = text.lastIndexOf(PLAN_MODE_LEFT);
  const entered = Math.max(...PLAN_MODE.map((mark) => text.lastIndexOf(mark)));
  if (entered > left) return ONLY_PLAN;
  return left === -1 ? undefined : PLAN_OVER;
}

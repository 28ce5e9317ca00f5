import { isJsonObject } from '../../domain/json.js';
import { isInterruptMarker } from './interruption.js';

/**
 * What Claude Code writes into its user's messages about its own doings. Each is a block of its own, whole: a user who quotes it is
 * left alone. [Claude Code 2.1.330, see `__fixtures__`]
 */
const MARKUP = [
  // A command that ran on the caller's machine, as `/model`: its name, what it printed, and a warning that neither is a request.
  /^<local-command-caveat>.*<\/local-command-caveat>$/s,
  /^<command-name>.*<\/command-(?:args|message)>$/s,
  /^<local-command-std(?:out|err)>.*<\/local-command-std(?:out|err)>$/s,
  // The name of a command or skill whose text follows: the text is the request.
  /^<command-message>.*<\/command-(?:name|args)>$/s,
  // Where a pasted picture lies on the caller's machine.
  /^\[Image: source: [^\]]*\]$/,
];

/** `/context` alone prints what has no tags: the block after its name. */
const CONTEXT_COMMAND = '<command-name>/context</command-name>';
const CONTEXT_OUTPUT = '## Context Usage';

/** The longest block that is looked at, in characters: commands print less than what a user may paste. */
const MAX_MARKUP = 100_000;

/** The content of a user message of Claude Code without what it notes there of its own machine. Anything else stays as it is. */
export function stripMarkup(content: unknown): unknown {
  if (!Array.isArray(content)) return isMarkup(content, '') ? [] : content;
  const texts = content.map((block: unknown) =>
    isJsonObject(block) && block['type'] === 'text' ? block['text'] : undefined,
  );
  return content.filter((_, index) => !isMarkup(texts[index], texts[index - 1]));
}

function isMarkup(text: unknown, previous: unknown): boolean {
  if (typeof text !== 'string' || text.length > MAX_MARKUP) return false;
  const trimmed = text.trim();
  // Escape interrupts the turn, and the agent has its own record of that.
  if (isInterruptMarker(trimmed) || MARKUP.some((pattern) => pattern.test(trimmed))) return true;
  return typeof previous === 'string' && previous.startsWith(CONTEXT_COMMAND) && trimmed.startsWith(CONTEXT_OUTPUT);
}

import { isJsonObject } from '../../domain/json.js';
import { isInterruptMarker } from './interruption.js';

/**
 * Blocks that Claude Code adds to its user's messages about its own actions. Only complete blocks match, so that a user can quote
 * them. [Claude Code 2.1.330, see `__fixtures__`]
 */
const MARKUP = [
  // A command that ran on the caller's machine, such as `/model`: its name, its output, and a warning that neither is a request.
  /^<local-command-caveat>.*<\/local-command-caveat>$/s,
  /^<command-name>.*<\/command-(?:args|message)>$/s,
  /^<local-command-std(?:out|err)>.*<\/local-command-std(?:out|err)>$/s,
  // The name of a command or skill. Its text follows, and that text is the request.
  /^<command-message>.*<\/command-(?:name|args)>$/s,
  // The path of a pasted image on the caller's machine.
  /^\[Image: source: [^\]]*\]$/,
];

/** The output of `/context`, the block after its name, has no tags. */
const CONTEXT_COMMAND = '<command-name>/context</command-name>';
const CONTEXT_OUTPUT = '## Context Usage';

/** Longer blocks are not checked: the output of commands is shorter than what a user may paste. */
const MAX_MARKUP_CHARS = 100_000;

/** Strips the blocks about Claude Code's own machine from the content of a user message. Other content stays unchanged. */
export function stripMarkup(content: unknown): unknown {
  if (!Array.isArray(content)) return isMarkup(content, '') ? [] : content;
  const texts = content.map((block: unknown) =>
    isJsonObject(block) && block['type'] === 'text' ? block['text'] : undefined,
  );
  return content.filter((_, index) => !isMarkup(texts[index], texts[index - 1]));
}

function isMarkup(text: unknown, previous: unknown): boolean {
  if (typeof text !== 'string' || text.length > MAX_MARKUP_CHARS) return false;
  const trimmed = text.trim();
  // The agent's own record already has the interruption.
  if (isInterruptMarker(trimmed) || MARKUP.some((pattern) => pattern.test(trimmed))) return true;
  return typeof previous === 'string' && previous.startsWith(CONTEXT_COMMAND) && trimmed.startsWith(CONTEXT_OUTPUT);
}

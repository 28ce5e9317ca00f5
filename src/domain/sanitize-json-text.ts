/** An escape that may encode U+0000 or a lone surrogate. */
const MAYBE_INVALID = /\\u(?:0000|[Dd][89A-Fa-f])/;
/** An escaped backslash, which does not start another escape; a surrogate pair; or an escape of U+0000 or a lone surrogate. */
const ESCAPES =
  /\\\\|\\u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2}|\\u(?:0000|[Dd][89A-Fa-f][\dA-Fa-f]{2})/g;
/** The length of a single escape: `\uXXXX`. */
const ONE_ESCAPE = 6;

/**
 * Sanitizes the strings of JSON text: replaces U+0000 and lone surrogates with U+FFFD. Program arguments and PostgreSQL texts cannot
 * contain U+0000. A model's API rejects a conversation with a lone surrogate, as from a text that was cut within a character, and
 * would reject every later turn of it.
 */
export function sanitizeJsonText(text: string): string {
  if (!MAYBE_INVALID.test(text)) return text;
  return text.replaceAll(ESCAPES, (escape) => (escape.length === ONE_ESCAPE ? String.raw`\ufffd` : escape));
}

const OPEN = '<system-reminder>';
const CLOSE = '</system-reminder>';

/**
 * Prefix of reminders with a file, a folder or a resource that the user mentioned with `@`: Claude Code presents them as tool calls.
 * They are part of the user's message, and the agent cannot reach them otherwise. [Claude Code 2.1.330]
 */
const MENTION = /^\s*(?:Called the \S+ tool with the following input|Result of calling the \S+ tool):/;

/**
 * Strips the `<system-reminder>` parts that Claude Code adds to its user's text, except for mentions. Keeps a reminder that is not
 * closed: it is the user's own text. Linear time.
 */
export function withoutReminders(text: string): string {
  let open = text.indexOf(OPEN);
  if (open === -1) return text;
  const kept: string[] = [];
  let position = 0;
  let isUnchanged = true;
  while (open !== -1) {
    const close = text.indexOf(CLOSE, open);
    if (close === -1) break;
    const end = close + CLOSE.length;
    if (!isMentionAt(text, open)) {
      kept.push(text.slice(position, open));
      position = end;
      isUnchanged = false;
    }
    open = text.indexOf(OPEN, end);
  }
  if (isUnchanged) return text;
  kept.push(text.slice(position));
  return kept.join('').trim();
}

/** Whether a text starts with a reminder. */
export function isReminder(text: string): boolean {
  return text.startsWith(OPEN);
}

/** Whether a text starts with a reminder that contains a mention. */
export function isMention(text: string): boolean {
  return isReminder(text) && isMentionAt(text, 0);
}

/** Checks only the start of the reminder: the mentioned content may be megabytes long. */
function isMentionAt(text: string, open: number): boolean {
  return MENTION.test(text.slice(open + OPEN.length, open + 300));
}

const OPEN = '<system-reminder>';
const CLOSE = '</system-reminder>';

/**
 * How the reminders begin that hold a file, a folder or a resource which the user mentioned with `@`: Claude Code reports them as
 * of calls that it made. They are part of what the user says, and the agent has no other way to them. [Claude Code 2.1.330]
 */
const MENTION = /^\s*(?:Called the \S+ tool with the following input|Result of calling the \S+ tool):/;

/**
 * A text without its `<system-reminder>` parts, which Claude Code adds to what its user wrote, but for what the user mentioned. One
 * that is not closed is kept: it is then the user's own text. Takes one pass, whatever the text holds.
 */
export function withoutReminders(text: string): string {
  let open = text.indexOf(OPEN);
  if (open === -1) return text;
  const kept: string[] = [];
  let position = 0;
  let isWhole = true;
  while (open !== -1) {
    const close = text.indexOf(CLOSE, open);
    if (close === -1) break;
    const end = close + CLOSE.length;
    if (!isMentionAt(text, open)) {
      kept.push(text.slice(position, open));
      position = end;
      isWhole = false;
    }
    open = text.indexOf(OPEN, end);
  }
  if (isWhole) return text;
  kept.push(text.slice(position));
  return kept.join('').trim();
}

/** Whether a text begins with a reminder. */
export function isReminder(text: string): boolean {
  return text.startsWith(OPEN);
}

/** Whether a text begins with a reminder that holds something which the user mentioned. */
export function isMention(text: string): boolean {
  return isReminder(text) && isMentionAt(text, 0);
}

/** The beginning is enough: what is mentioned may be megabytes. */
function isMentionAt(text: string, open: number): boolean {
  return MENTION.test(text.slice(open + OPEN.length, open + 300));
}

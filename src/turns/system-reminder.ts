const OPEN = '<system-reminder>';
const CLOSE = '</system-reminder>';

/**
 * A text without its `<system-reminder>` parts, which Claude Code adds to what its user wrote. One that is not closed is kept:
 * it is then the user's own text. Takes one pass, whatever the text holds.
 */
export function withoutReminders(text: string): string {
  let open = text.indexOf(OPEN);
  if (open === -1) return text;
  const kept: string[] = [];
  let position = 0;
  while (open !== -1) {
    const close = text.indexOf(CLOSE, open);
    if (close === -1) break;
    kept.push(text.slice(position, open));
    position = close + CLOSE.length;
    open = text.indexOf(OPEN, position);
  }
  kept.push(text.slice(position));
  return kept.join('').trim();
}

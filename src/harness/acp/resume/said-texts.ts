import type { HarnessEvent } from '../../../domain/harness-event.js';

/**
 * Takes out of replayed events the texts and thoughts that the log has whole, by what they say: most agents have no names for them. A replayed text may be several of
 * the log in one, without the white space around it (recording gemini.load-next-minute-2).
 */
export function removeSaidTexts(
  replayed: readonly HarnessEvent[],
  logged: readonly HarnessEvent[],
): readonly HarnessEvent[] {
  const texts = readTexts(replayed);
  const said = [...readTexts(logged).values()].map((text) => text.trim()).filter((text) => text !== '');
  return replayed.flatMap((event): readonly HarnessEvent[] => {
    if (event.type === 'text-delta' || event.type === 'thinking-delta') return [];
    const text = event.type === 'block-end' ? texts.get(event.id) : undefined;
    if (event.type !== 'block-end' || text === undefined) return [event];
    const rest = takeSaid(text, said);
    if (rest.trim() === '') return [];
    const type = isThinking(replayed, event.id) ? 'thinking-delta' : 'text-delta';
    return [{ type, id: event.id, text: rest }, event];
  });
}

/** The texts of blocks that have ended, by their ids. */
function readTexts(events: readonly HarnessEvent[]): ReadonlyMap<string, string> {
  const open = new Map<string, string>();
  const whole = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'attempt-start') open.clear();
    else if (event.type === 'text-delta' || event.type === 'thinking-delta')
      open.set(event.id, (open.get(event.id) ?? '') + event.text);
    else if (event.type === 'block-end') whole.set(event.id, open.get(event.id) ?? '');
  }
  return whole;
}

function isThinking(events: readonly HarnessEvent[], id: string): boolean {
  return events.some((event) => event.type === 'thinking-delta' && event.id === id);
}

/** The end of a text that was not said; takes what was said out of the list, with all before it. */
function takeSaid(text: string, said: string[]): string {
  let rest = text;
  for (;;) {
    const index = said.findIndex((one) => rest.trimStart().startsWith(one));
    if (index < 0) return rest;
    rest = rest.trimStart().slice(said[index]?.length ?? 0);
    said.splice(0, index + 1);
    if (rest.trim() === '') return '';
  }
}

import type { HarnessEvent } from '../domain/harness-event.js';
import type { Prompt } from '../domain/prompt.js';
import { SeedBuilder } from '../domain/seed/seed-builder.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';
import type { HarnessTurn } from './harness.js';

/** Maximum length of the seed. It leaves room in the agent's context for the rest of the turn. */
const MAX_SEED_CHARS = 200_000;

const LOST_RESULT = 'The machine was lost while this tool ran; it may have taken effect, and it was not run again.';

const GO_ON =
  'The machine on which you worked was lost in the middle of this turn, and its files may be gone with it. What you said and did ' +
  'until then is above. Go on from there. Do not repeat what has had its effect.';

/** With what an agent begins that has no record of its conversation. */
export interface RecalledTurn {
  /** Empty for a first turn of which nothing is known. */
  readonly seed: readonly SeedMessage[];
  readonly prompt: Prompt;
}

/**
 * Recalls the conversation for an agent whose own record is gone: the earlier turns, and what earlier attempts of this turn said and did, so
 * that it does not do that again. Rejects when the store cannot be read.
 */
export async function recallTurn(
  turn: Pick<HarnessTurn, 'attempt' | 'prompt' | 'priorEvents' | 'recall' | 'seed'>,
): Promise<RecalledTurn> {
  const { attempt, prompt, priorEvents = [] } = turn;
  const earlier = turn.seed ?? (await turn.recall?.()) ?? [];
  const hasActed = priorEvents.some(({ type }) => type === 'tool-call' || type === 'text-delta');
  if (attempt === 1 || !hasActed) return { seed: earlier, prompt };
  const builder = new SeedBuilder();
  for (const { role, content } of earlier) for (const block of content) builder.add(role, block);
  for (const block of prompt) builder.add('user', block);
  addEvents(builder, priorEvents);
  return { seed: builder.build(MAX_SEED_CHARS), prompt: [{ type: 'text', text: GO_ON }] };
}

function addEvents(builder: SeedBuilder, events: readonly HarnessEvent[]): void {
  let text = '';
  const endText = (): void => {
    if (text.trim() !== '') builder.add('assistant', { type: 'text', text });
    text = '';
  };
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === 'text-delta') text += event.text;
    else if (event.type === 'tool-call') {
      endText();
      const { id, name, server, input } = event;
      builder.add('assistant', { type: 'tool-call', id, name, server, input });
      open.add(id);
    } else if (event.type === 'tool-result' && open.delete(event.id)) {
      const content = event.content.flatMap((part) => (part.type === 'text' ? [part] : []));
      builder.add('user', { type: 'tool-result', id: event.id, content, isError: event.isError });
    } else if (event.type === 'block-end' || event.type === 'attempt-start') endText();
  }
  endText();
  for (const id of open) {
    builder.add('user', { type: 'tool-result', id, content: [{ type: 'text', text: LOST_RESULT }], isError: true });
  }
}

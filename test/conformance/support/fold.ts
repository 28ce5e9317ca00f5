import type { StreamEvent } from '../../../src/anthropic/stream-event.js';

/**
 * Folds a stream as the official SDK does: blocks and deltas by index, the last usage over the first. Separate from the server's own
 * code, so that the two can be compared.
 */
export function foldStream(events: readonly StreamEvent[]): Readonly<Record<string, unknown>> {
  let message: Readonly<Record<string, unknown>> = {};
  const content: Record<string, unknown>[] = [];
  for (const event of events) {
    if (event.type === 'message_start') message = { ...event.message };
    if (event.type === 'message_delta') {
      message = { ...message, ...event.delta, context_management: event.context_management, usage: event.usage };
    }
    if (event.type === 'content_block_start') content.push({ ...event.content_block });
    if (event.type === 'content_block_delta') addDelta(content[event.index] ?? {}, event.delta);
  }
  return { ...message, content: content.map(withInput) };
}

function addDelta(block: Record<string, unknown>, delta: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(delta)) {
    const previous = block[name];
    if (name !== 'type') block[name] = (typeof previous === 'string' ? previous : '') + value;
  }
}

/** A tool's input is the JSON of its deltas. */
function withInput({ partial_json: json, ...block }: Readonly<Record<string, unknown>>): object {
  return typeof json === 'string' ? { ...block, input: JSON.parse(json) as unknown } : block;
}

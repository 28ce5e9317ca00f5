import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent } from '../../domain/harness-event.js';

/** What a turn has said for good: names of whole blocks, and of tools that were called and that answered. */
export interface EmittedIds {
  readonly blocks: ReadonlySet<string>;
  readonly called: ReadonlySet<string>;
  readonly answered: ReadonlySet<string>;
}

/** What these events said for good. */
export function collectEmittedIds(events: readonly HarnessEvent[]): EmittedIds {
  const blocks = new Set<string>();
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const event of events) {
    if (event.type === 'block-end') blocks.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-call')) called.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-result')) answered.add(event.id);
  }
  return { blocks, called, answered };
}

/**
 * Whether a resumed harness says again what an earlier attempt has said already: one that died between its last words and its
 * end repeats them under the same names (Claude Code 2.1.330 and Codex 0.169.0 alike).
 */
export function isReplayed(event: HarnessEvent, said: EmittedIds): boolean {
  if (hasTrait(event, 'unit', 'block')) return said.blocks.has(event.id);
  if (hasTrait(event, 'unit', 'tool-call')) return said.called.has(event.id);
  return hasTrait(event, 'unit', 'tool-result') && said.answered.has(event.id);
}

/** The results of tools that never answered, because the process in which they ran died. They may have taken effect. */
export function synthesizeMissingResults(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const { called, answered } = collectEmittedIds(events);
  return [...called]
    .filter((id) => !answered.has(id))
    .map((id) => ({ type: 'tool-result', id, content: [{ type: 'text', text: TOOL_LOST_MESSAGE }], isError: true }));
}

const TOOL_LOST_MESSAGE = 'The agent’s process died while this tool ran. It may have taken effect.';

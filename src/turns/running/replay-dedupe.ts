import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent } from '../../domain/harness-event.js';

/** Ids of what a turn has logged in full: complete blocks, tool calls and tool results. */
export interface EmittedIds {
  readonly blocks: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly results: ReadonlySet<string>;
}

/** Collects the ids of complete blocks, tool calls and tool results. */
export function collectEmittedIds(events: readonly HarnessEvent[]): EmittedIds {
  const blocks = new Set<string>();
  const calls = new Set<string>();
  const results = new Set<string>();
  for (const event of events) {
    if (event.type === 'block-end') blocks.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-call')) calls.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-result')) results.add(event.id);
  }
  return { blocks, calls, results };
}

/**
 * Whether a resumed harness replays what an earlier attempt has logged. A harness that died after its last output and before its end
 * replays that output under the same ids (Claude Code 2.1.330 and Codex 0.169.0); callers would see it twice.
 */
export function isReplayed(event: HarnessEvent, logged: EmittedIds): boolean {
  if (hasTrait(event, 'unit', 'block')) return logged.blocks.has(event.id);
  if (hasTrait(event, 'unit', 'tool-call')) return logged.calls.has(event.id);
  return hasTrait(event, 'unit', 'tool-result') && logged.results.has(event.id);
}

/** Makes error results for tools whose process died before they returned one. Such a tool may have taken effect. */
export function synthesizeMissingResults(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const { calls, results } = collectEmittedIds(events);
  return [...calls]
    .filter((id) => !results.has(id))
    .map((id) => ({ type: 'tool-result', id, content: [{ type: 'text', text: TOOL_LOST_MESSAGE }], isError: true }));
}

const TOOL_LOST_MESSAGE = 'The agent’s process died while this tool ran. The tool may have taken effect.';

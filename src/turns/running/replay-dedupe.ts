import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent } from '../../domain/harness-event.js';

/** Ids of what a turn has logged in full: complete blocks, calls of both kinds, tool results, and further messages of the user. */
export interface EmittedIds {
  readonly blocks: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly results: ReadonlySet<string>;
  readonly callerCalls: ReadonlySet<string>;
  readonly userMessages: ReadonlySet<string>;
}

/** Collects the ids of everything that a resumed harness may replay. */
export function collectEmittedIds(events: readonly HarnessEvent[]): EmittedIds {
  const blocks = new Set<string>();
  const calls = new Set<string>();
  const results = new Set<string>();
  const callerCalls = new Set<string>();
  const userMessages = new Set<string>();
  for (const event of events) {
    if (event.type === 'block-end') blocks.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-call')) calls.add(event.id);
    else if (hasTrait(event, 'unit', 'tool-result')) results.add(event.id);
    else if (hasTrait(event, 'unit', 'caller-call')) callerCalls.add(event.id);
    else if (hasTrait(event, 'unit', 'user-message')) userMessages.add(event.id);
  }
  return { blocks, calls, results, callerCalls, userMessages };
}

/** The ids of a turn without an earlier attempt. One for all turns: five empty sets take most of a kilobyte. */
export const NOTHING_EMITTED: EmittedIds = collectEmittedIds([]);

/** The ids without those of the blocks that `events` drop: what has such an id from now on is not a replay. */
export function withoutDropped(logged: EmittedIds, events: readonly HarnessEvent[]): EmittedIds {
  const dropped = new Set(events.flatMap((event) => (event.type === 'block-dropped' ? [event.id] : [])));
  return dropped.size === 0
    ? logged
    : { ...logged, blocks: new Set([...logged.blocks].filter((id) => !dropped.has(id))) };
}

/**
 * Whether a resumed harness replays what an earlier attempt has logged. A harness that died after its last output and before its end
 * replays that output under the same ids (Claude Code 2.1.330 and Codex 0.169.0); callers would see it twice.
 */
export function isReplayed(event: HarnessEvent, logged: EmittedIds): boolean {
  if (hasTrait(event, 'unit', 'block')) return logged.blocks.has(event.id);
  if (hasTrait(event, 'unit', 'tool-call')) return logged.calls.has(event.id);
  if (hasTrait(event, 'unit', 'caller-call')) return logged.callerCalls.has(event.id);
  if (hasTrait(event, 'unit', 'user-message')) return logged.userMessages.has(event.id);
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

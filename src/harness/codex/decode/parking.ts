import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { CompleteMessage } from '../record/rollout-lines.js';
import { runningResult } from './items.js';
import type { CodexState, CodexStep } from './state.js';
import { countAhead, startTurnUsage } from './usage.js';

/**
 * Ends our turn while Codex's goes on and waits for the caller's tools. The message's tokens count for this turn: Codex 0.169.0 notifies
 * them only after all tools have answered (seen). Calls of inner tools that still run get a
 * result that says so; the turn that follows has them again.
 */
export function parkCodexTurn(state: CodexState, message: CompleteMessage | undefined): CodexStep {
  const [usage, counted] = message === undefined ? [state.usage, []] : countAhead(state.usage, message.usage);
  const blocks = [...state.blocks.values()].filter((block) => block.text !== '');
  const events: readonly HarnessEvent[] = [
    ...blocks.map((block): HarnessEvent => ({ type: 'block-end', id: block.id })),
    ...[...state.calls].map(runningResult),
    ...counted,
    { type: 'turn-end', reason: 'tool_use' },
  ];
  return [{ ...state, blocks: new Map(), calls: new Set(), usage }, events];
}

/** Begins our next turn in Codex's turn that waited. */
export function unparkTurn(state: CodexState): CodexStep {
  const [usage, events] = startTurnUsage(state.usage);
  return [{ ...state, usage, named: 0, spoke: false }, events];
}

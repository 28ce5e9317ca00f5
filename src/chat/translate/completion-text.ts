import { scanForStop } from '../../translator/views/stop-sequence.js';
import type { CompletionEvent, CompletionState, CompletionStep, CompletionField } from './completion-state.js';

/** What divides the blocks of an agent in the one text of an answer. */
const PARAGRAPH = '\n\n';

/** Appends text of the agent to the open block, or begins another one with it. */
export function appendCompletionText(
  state: CompletionState,
  field: CompletionField,
  blockId: string,
  text: string,
): CompletionStep {
  const { open } = state;
  if (text === '') return [state, []];
  if (open?.field === field && open.blockId === blockId) return sendText(state, field, text, '');
  const [begun, rest, divider] = beginBlock(state, field, blockId);
  const [next, events] = sendText(begun, field, text, divider);
  return [next, [...rest, ...events]];
}

/** Sends a paragraph that the agent did not say: no stop sequence is looked for in it. */
export function sendParagraph(state: CompletionState, blockId: string, text: string): CompletionStep {
  const [begun, rest, divider] = beginBlock(state, 'content', blockId);
  return [{ ...begun, open: undefined }, [...rest, ...toDelta('content', divider + text)]];
}

/** The state in the new block, the rest of the one before it, and what divides them. */
function beginBlock(
  state: CompletionState,
  field: CompletionField,
  blockId: string,
): readonly [CompletionState, readonly CompletionEvent[], divider: string] {
  const [closed, rest] = closeText(state);
  const hasBegun = closed.begun.includes(field);
  const begun = hasBegun ? closed.begun : [...closed.begun, field];
  return [{ ...closed, begun, open: { field, blockId } }, rest, hasBegun ? PARAGRAPH : ''];
}

/** Ends the open block: the text that follows is a paragraph of its own. */
export function closeText(state: CompletionState): CompletionStep {
  const { open, held } = state;
  if (open === undefined) return [state, []];
  return [{ ...state, open: undefined, held: '' }, toDelta(open.field, held)];
}

function sendText(state: CompletionState, field: CompletionField, text: string, divider: string): CompletionStep {
  const { stopSequences } = state.view;
  if (field !== 'content' || stopSequences.length === 0) return [state, toDelta(field, divider + text)];
  const { shown, held, found } = scanForStop(stopSequences, state.held + text);
  return [{ ...state, held, stoppedAt: found }, toDelta(field, divider + shown)];
}

function toDelta(field: CompletionField, text: string): readonly CompletionEvent[] {
  if (text === '') return [];
  return [{ type: 'delta', delta: field === 'content' ? { content: text } : { reasoning_content: text } }];
}

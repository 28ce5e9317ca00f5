import { scanForStop } from '../../translator/views/stop-sequence.js';
import type { CompletionEvent, CompletionState, CompletionStep, CompletionField } from './completion-state.js';

/** What divides the blocks of an agent in the one text of an answer. */
const PARAGRAPH = '\n\n';

/** Appends text to the open block, or begins another one with it. */
export function appendCompletionText(
  state: CompletionState,
  field: CompletionField,
  blockId: string,
  text: string,
): CompletionStep {
  const { open } = state;
  if (text === '') return [state, []];
  if (open?.field === field && open.blockId === blockId) return sendText(state, field, text);
  const [closed, rest] = closeText(state);
  const hasBegun = closed.begun.includes(field);
  const opened: CompletionState = {
    ...closed,
    open: { field, blockId },
    begun: hasBegun ? closed.begun : [...closed.begun, field],
  };
  const [next, events] = sendText(opened, field, hasBegun ? PARAGRAPH + text : text);
  return [next, [...rest, ...events]];
}

/** Ends the open block: the text that follows is a paragraph of its own. */
export function closeText(state: CompletionState): CompletionStep {
  const { open, held } = state;
  if (open === undefined) return [state, []];
  return [{ ...state, open: undefined, held: '' }, toDelta(open.field, held)];
}

function sendText(state: CompletionState, field: CompletionField, text: string): CompletionStep {
  const { stopSequences } = state.view;
  if (field !== 'content' || stopSequences.length === 0) return [state, toDelta(field, text)];
  const { shown, held, found } = scanForStop(stopSequences, state.held + text);
  return [{ ...state, held, stoppedAt: found }, toDelta(field, shown)];
}

function toDelta(field: CompletionField, text: string): readonly CompletionEvent[] {
  if (text === '') return [];
  return [{ type: 'delta', delta: field === 'content' ? { content: text } : { reasoning_content: text } }];
}

import { type MessageItem, type MessagePhase, outputText, type ReasoningItem } from '../wire/output-item.js';
import { toItemId } from '../wire/response-ids.js';
import {
  emit,
  inOrder,
  type UnfinishedItem,
  type ResponseState,
  type ResponseStep,
  withItem,
} from './response-state.js';

type Kind = UnfinishedItem['kind'];

/** Appends text to the open item of this block, or to a new one. A finished block never goes on. */
export function appendToItem(state: ResponseState, kind: Kind, blockId: string, text: string): ResponseStep {
  const { open } = state;
  if (open?.kind === kind && open.blockId === blockId && !open.isEnded) return appendDelta(state, open, text);
  // A new item of nothing would only be noise.
  if (text === '') return [state, []];
  return inOrder(
    state,
    (current) => settle(current, kind === 'reasoning' ? 'commentary' : 'final_answer'),
    (current) => openItem(current, kind, blockId),
    (current) => (current.open === undefined ? [current, []] : appendDelta(current, current.open, text)),
  );
}

/** Notes that a block is complete. */
export function endBlock(state: ResponseState, blockId: string): ResponseStep {
  const { open } = state;
  if (open?.blockId !== blockId) return [state, []];
  const ended = { ...state, open: { ...open, isEnded: true } };
  // What a text was for shows the next event; thinking is only thinking.
  return open.kind === 'reasoning' ? settle(ended, 'commentary') : [ended, []];
}

/** Finishes the open item, if there is one. */
export function settle(state: ResponseState, phase: MessagePhase): ResponseStep {
  const { open } = state;
  if (open === undefined) return [state, []];
  const item = open.kind === 'message' ? toMessage(open, 'completed', phase) : toReasoning(state, open);
  return finishItem({ ...withItem(state, open.index, item), open: undefined }, open, item);
}

/**
 * Ends the open item of an attempt that died in the middle of it. Readers that follow have the item already, and the official client
 * throws at the end of a response with an unfinished one [openai 7.57.0], but it is no part of the output: the next attempt says it again.
 */
export function abandonItem(state: ResponseState): ResponseStep {
  const { open } = state;
  if (open === undefined || open.isEnded) return [state, []];
  const item = open.kind === 'message' ? toMessage(open, 'incomplete', 'commentary') : toReasoning(state, open);
  return finishItem({ ...state, open: undefined }, open, item);
}

/** Sends a complete message. */
export function sendMessage(state: ResponseState, text: string, phase: MessagePhase): ResponseStep {
  return inOrder(
    state,
    (current) => openItem(current, 'message', ''),
    (current) => (current.open === undefined ? [current, []] : appendDelta(current, current.open, text)),
    (current) => settle(current, phase),
  );
}

function openItem(state: ResponseState, kind: Kind, blockId: string): ResponseStep {
  const index = state.nextIndex;
  const id = toItemId(kind === 'message' ? 'msg' : 'rs', state.messageId, index);
  const open: UnfinishedItem = { kind, blockId, id, index, text: '', isEnded: false };
  const opened = { ...state, open, nextIndex: index + 1 };
  const place = { item_id: id, output_index: index };
  return kind === 'message'
    ? emit(
        opened,
        {
          type: 'response.output_item.added',
          output_index: index,
          item: { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] },
        },
        { type: 'response.content_part.added', ...place, content_index: 0, part: outputText('') },
      )
    : emit(
        opened,
        {
          type: 'response.output_item.added',
          output_index: index,
          item: { ...toReasoning(state, open), summary: [] },
        },
        {
          type: 'response.reasoning_summary_part.added',
          ...place,
          summary_index: 0,
          part: { type: 'summary_text', text: '' },
        },
      );
}

function appendDelta(state: ResponseState, open: UnfinishedItem, delta: string): ResponseStep {
  if (delta === '') return [state, []];
  const place = { item_id: open.id, output_index: open.index };
  const appended = { ...state, open: { ...open, text: open.text + delta } };
  return open.kind === 'message'
    ? emit(appended, { type: 'response.output_text.delta', ...place, content_index: 0, delta, logprobs: [] })
    : emit(appended, { type: 'response.reasoning_summary_text.delta', ...place, summary_index: 0, delta });
}

function finishItem(
  state: ResponseState,
  { id, index, text, kind }: UnfinishedItem,
  item: MessageItem | ReasoningItem,
): ResponseStep {
  const place = { item_id: id, output_index: index };
  const done = { type: 'response.output_item.done', output_index: index, item } as const;
  return kind === 'message'
    ? emit(
        state,
        { type: 'response.output_text.done', ...place, content_index: 0, text, logprobs: [] },
        { type: 'response.content_part.done', ...place, content_index: 0, part: outputText(text) },
        done,
      )
    : emit(
        state,
        { type: 'response.reasoning_summary_text.done', ...place, summary_index: 0, text },
        {
          type: 'response.reasoning_summary_part.done',
          ...place,
          summary_index: 0,
          part: { type: 'summary_text', text },
        },
        done,
      );
}

function toMessage({ id, text }: UnfinishedItem, status: MessageItem['status'], phase: MessagePhase): MessageItem {
  return { id, type: 'message', status, role: 'assistant', content: [outputText(text)], phase };
}

function toReasoning({ view }: ResponseState, { id, text }: UnfinishedItem): ReasoningItem {
  return {
    id,
    type: 'reasoning',
    summary: [{ type: 'summary_text', text }],
    ...(view.hasEncryptedReasoning ? { encrypted_content: id } : {}),
  };
}

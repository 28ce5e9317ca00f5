import type { SilentEvent } from '../../domain/event-traits.js';
import type { FailureKind, HarnessEvent, JsonObject, TokenUsage } from '../../domain/harness-event.js';
import { addUsage, NO_TOKENS } from '../../anthropic/usage.js';
import {
  itemCompleted,
  itemPayload,
  itemStarted,
  rpcNotification,
  type LineTurn,
  type OpenItem,
  threadStarted,
  tokenUsage,
  turnPayload,
  notificationIds,
} from './notification-builders.js';
import { type ToolCall, toolItem } from './tool-items.js';

/** The state from one event to the next. */
export interface LineState {
  readonly items: ReadonlyMap<string, OpenItem>;
  readonly calls: ReadonlyMap<string, ToolCall>;
  readonly attempt: number;
  readonly used: TokenUsage;
  /** The texts since the last tool call: the answer, if the turn ends here. */
  readonly answer: string;
  /** The texts before that tool call: the answer of a turn that ends with a tool call. */
  readonly earlier: string;
}

/** The state after an event, and the lines that the event produces. */
export type LineStep = readonly [LineState, readonly JsonObject[]];

/** The state before the first event. */
export const INITIAL_NOTIFICATION_STATE: LineState = {
  items: new Map(),
  calls: new Map(),
  attempt: 1,
  used: NO_TOKENS,
  answer: '',
  earlier: '',
};

/** The answer of a turn: its texts after the last tool call or, if there are none, the texts before it. */
export function readFinalText(state: LineState): string {
  return state.answer === '' ? state.earlier : state.answer;
}

/** The lines that open a turn; the first turn of a thread opens the thread as well. */
export function openingLines(turn: LineTurn): readonly JsonObject[] {
  const content = turn.prompt.map((block) => ({
    type: 'text',
    text: block.type === 'text' ? block.text : `[${block.type}]`,
    text_elements: [],
  }));
  const item: JsonObject = { type: 'userMessage', id: `user-${turn.turnId}`, clientId: null, content };
  return [
    ...(turn.sequence === 1 ? [threadStarted(turn)] : []),
    rpcNotification('turn/started', { threadId: turn.threadId, turn: turnPayload(turn, 'inProgress', null) }),
    itemStarted(turn, item),
    itemCompleted(turn, item),
    ...warningLines(turn),
  ];
}

/** Centaur's renderers show no other item to the user of a chat than the agent's messages (its `packages`, read). */
function warningLines(turn: LineTurn): readonly JsonObject[] {
  if (turn.warnings.length === 0) return [];
  const item: OpenItem = { kind: 'agentMessage', id: `warnings-${turn.turnId}`, text: '' };
  const text = `${turn.warnings.join('\n')}\n\n`;
  return [
    itemStarted(turn, itemPayload(item)),
    rpcNotification('item/agentMessage/delta', { ...notificationIds(turn), itemId: item.id, delta: text }),
    itemCompleted(turn, itemPayload({ ...item, text })),
  ];
}

/**
 * Converts a harness event to lines with centaur's slash methods, which are those of Codex's app-server (recording codex-tool). Item
 * ids include turn and attempt, because harnesses restart their numbering. codex-notifications.table.spec.ts has a table of the
 * lines for each kind of event.
 */
export function toNotifications(turn: LineTurn, state: LineState, event: HarnessEvent): LineStep {
  switch (event.type) {
    case 'text-delta':
      return delta(turn, state, 'agentMessage', event);
    case 'thinking-delta':
      return delta(turn, state, 'reasoning', event);
    case 'block-end':
      return blockEnd(turn, state, event.id);
    case 'tool-call':
      return [withCall(state, event), [itemStarted(turn, toolItem(event, undefined), event.at)]];
    case 'tool-result': {
      const call = state.calls.get(event.id);
      return [state, call === undefined ? [] : [itemCompleted(turn, toolItem(call, event), event.at)]];
    }
    case 'caller-tool-call':
      return [
        state,
        [itemStarted(turn, toolItem({ ...event, type: 'tool-call', server: 'agent' }, undefined), event.at)],
      ];
    case 'model-call-end': {
      const used = addUsage(state.used, event.usage);
      return [{ ...state, used }, [tokenUsage(turn, used, event.usage)]];
    }
    case 'notice':
      return [state, noticeLines(turn, event.kind, event.message)];
    case 'attempt-start': {
      const [closed, lines] = closeOpenItems(turn, state);
      return [{ ...closed, attempt: event.attempt }, lines];
    }
    case 'turn-end':
      return ended(turn, state, event.reason === 'interrupted' ? 'interrupted' : 'completed', null);
    case 'turn-failed':
      return ended(turn, state, 'failed', {
        message: event.message,
        codexErrorInfo: INFO_OF_KIND[event.kind],
        additionalDetails: null,
      });
    default:
      event satisfies SilentEvent;
      return [state, []];
  }
}

// `codexErrorInfo` of Codex 0.169.0, as our Codex decoder reads it.
const INFO_OF_KIND: Readonly<Record<FailureKind, string>> = {
  bad_request: 'badRequest',
  context_too_long: 'contextWindowExceeded',
  authentication: 'unauthorized',
  billing: 'usageLimitExceeded',
  permission: 'other',
  not_found: 'other',
  rate_limit: 'usageLimitExceeded',
  overloaded: 'serverOverloaded',
  timeout: 'other',
  process_died: 'internalServerError',
  not_started: 'internalServerError',
  limit_exceeded: 'other',
  internal: 'internalServerError',
};

type Delta = { readonly id: string; readonly text: string };

function delta(turn: LineTurn, state: LineState, kind: OpenItem['kind'], { id, text }: Delta): LineStep {
  if (text === '') return [state, []];
  const existing = state.items.get(id);
  const item = existing ?? { kind, id: `item-${turn.sequence}-${state.attempt}-${id}`, text: '' };
  const items = new Map(state.items).set(id, { ...item, text: item.text + text });
  const parameters = { ...notificationIds(turn), itemId: item.id, delta: text };
  const piece =
    kind === 'agentMessage'
      ? rpcNotification('item/agentMessage/delta', parameters)
      : rpcNotification('item/reasoning/textDelta', { ...parameters, contentIndex: 0 });
  return [{ ...state, items }, existing === undefined ? [itemStarted(turn, itemPayload(item)), piece] : [piece]];
}

function blockEnd(turn: LineTurn, state: LineState, id: string): LineStep {
  const item = state.items.get(id);
  if (item === undefined) return [state, []];
  const items = new Map(state.items);
  items.delete(id);
  const answer = item.kind === 'agentMessage' ? state.answer + item.text : state.answer;
  return [{ ...state, items, answer }, [itemCompleted(turn, itemPayload(item))]];
}

/** Completes the open items of a dead attempt or an ending turn, so that every started item also completes for its readers. */
function closeOpenItems(turn: LineTurn, state: LineState): LineStep {
  const lines = [...state.items.values()].map((item) => itemCompleted(turn, itemPayload(item)));
  return [{ ...state, items: new Map() }, lines];
}

function withCall(state: LineState, call: ToolCall): LineState {
  return {
    ...state,
    calls: new Map(state.calls).set(call.id, call),
    earlier: readFinalText(state),
    answer: '',
  };
}

function ended(turn: LineTurn, state: LineState, status: string, error: JsonObject | null): LineStep {
  const unfinished = [...state.items.values()].filter((item) => item.kind === 'agentMessage');
  const answer = state.answer + unfinished.map((item) => item.text).join('');
  const [closed, lines] = closeOpenItems(turn, { ...state, answer });
  const completed = rpcNotification('turn/completed', {
    threadId: turn.threadId,
    turn: turnPayload(turn, status, error),
  });
  return [closed, [...lines, completed]];
}

function noticeLines(
  turn: LineTurn,
  kind: 'retrying' | 'compacting' | 'progress',
  message: string,
): readonly JsonObject[] {
  switch (kind) {
    case 'retrying': {
      const error = { message, codexErrorInfo: null, additionalDetails: null };
      return [rpcNotification('error', { error, willRetry: true, ...notificationIds(turn) })];
    }
    case 'compacting':
      return [itemStarted(turn, { type: 'contextCompaction', id: `compaction-${turn.turnId}` })];
    case 'progress':
      return [];
    default:
      return kind satisfies never;
  }
}

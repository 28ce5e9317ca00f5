import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import {
  appendDelta,
  type BlockType,
  completeBlock,
  isBlockType,
  toAnonymousKey,
  type OpenBlock,
  openBlock,
} from './blocks.js';
import { decodeError, stopOrFail, decodeTurnCompleted, endTurn } from './ending.js';
import { planEvents, toToolItem } from './items.js';
import { toCamelCase, asNumber, asObject, parseObject, asString, withCamelCaseKeys } from '../../../domain/json.js';
import { readId, type Notification, parseNotification } from './notification.js';
import { progressNotice, type RunningTool } from '../../decode/progress-notice.js';
import {
  withoutElement,
  FRESH_TURN,
  withElement,
  isOurTurn,
  isEmitted,
  type CodexState,
  type CodexStep,
  withBlock,
  withModel,
} from './state.js';
import { startTurnUsage, updateUsage } from './usage.js';

export { initialCodexState, type CodexState } from './state.js';

/** What one line came to. */
export interface DecodedNotification {
  readonly state: CodexState;
  readonly events: readonly HarnessEvent[];
  /** False for a line that is not a JSON object; log its length only, as it may quote the user. */
  readonly understood: boolean;
}

/** One line of Codex's standard output. Lines that mean nothing to us give no events. */
export function decodeNotification(state: CodexState, line: string): DecodedNotification {
  const object = parseObject(line);
  return object === undefined
    ? { state, events: [], understood: false }
    : { ...decodeObject(state, object), understood: true };
}

/** The same for a line that was parsed already. */
export function decodeObject(state: CodexState, object: JsonObject): Omit<DecodedNotification, 'understood'> {
  const notification = parseNotification(object);
  if (notification === undefined) return { state, events: [] };
  const [next, events] = step(state, notification);
  return { state: next, events };
}

function step(state: CodexState, notification: Notification): CodexStep {
  const { method, parameters, threadId, turnId } = notification;
  if (threadId !== undefined && state.threadId !== undefined && threadId !== state.threadId) return [state, []];
  switch (method) {
    case 'thread/started':
      if (threadId === undefined || threadId === state.threadId) return [state, []];
      return [
        withModel({ ...state, threadId }, asObject(parameters['thread'])['model']),
        [{ type: 'session-started', sessionId: threadId }],
      ];
    case 'turn/started': {
      // The update of a call that was counted ahead comes before the end of its turn.
      const [usage, events] = startTurnUsage({ ...state.usage, ahead: undefined });
      return [{ ...state, ...FRESH_TURN, turnId, usage }, events];
    }
    case 'thread/tokenUsage/updated': {
      const counts = state.phase === 'running' && isOurTurn(state, turnId);
      const [usage, events] = updateUsage(state.usage, asObject(parameters['tokenUsage']), counts);
      return [{ ...state, usage }, events];
    }
    case 'model/rerouted':
      return [withModel(state, parameters['toModel']), []];
    default:
      return state.phase === 'ended' || !isOurTurn(state, turnId) ? [state, []] : stepInTurn(state, notification);
  }
}

function stepInTurn(state: CodexState, { method, parameters, emittedAt }: Notification): CodexStep {
  switch (method) {
    case 'item/agentMessage/delta':
      return streamed(state, 'agentMessage', parameters, undefined);
    case 'item/reasoning/textDelta':
      return streamed(state, 'reasoning', parameters, `content ${asNumber(parameters['contentIndex']) ?? ''}`);
    case 'item/reasoning/summaryTextDelta':
      return streamed(state, 'reasoning', parameters, `summary ${asNumber(parameters['summaryIndex']) ?? ''}`);
    case 'item/reasoning/summaryPartAdded':
      return partAdded(state, parameters);
    case 'item/started':
      return itemStarted(state, readItem(parameters), asNumber(parameters['startedAtMs']) ?? emittedAt);
    case 'item/completed':
      return itemCompleted(state, readItem(parameters));
    case 'item/commandExecution/outputDelta':
    case 'item/mcpToolCall/progress':
      return emittedAt === undefined ? [state, []] : progressed(state, readId(parameters, 'item') ?? '', emittedAt);
    case 'turn/plan/updated':
      return [{ ...state, phase: 'running', named: state.named + 1 }, planEvents(parameters, `plan-${state.named}`)];
    case 'error':
      return decodeError(state, parameters);
    case 'turn/failed':
      return stopOrFail(state, parameters['error'] ?? parameters['message']);
    case 'turn/completed':
      return decodeTurnCompleted(state, parameters);
    case 'turn/done':
      return endTurn(state, parameters);
    default:
      return [state, []];
  }
}

/** An item, its own keys and its type in camel case. */
function readItem(parameters: JsonObject): JsonObject {
  const item = withCamelCaseKeys(asObject(parameters['item']));
  return { ...item, type: toCamelCase(asString(item['type']) ?? '') };
}

function blockAt(state: CodexState, type: BlockType, itemId: string | undefined): readonly [string, OpenBlock] {
  const key = itemId ?? toAnonymousKey(type);
  const kind = type === 'agentMessage' ? 'text' : 'thinking';
  return [key, state.blocks.get(key) ?? openBlock(kind, itemId ?? `${type}-${state.named}`)];
}

function streamed(state: CodexState, type: BlockType, parameters: JsonObject, part: string | undefined): CodexStep {
  const itemId = readId(parameters, 'item') ?? asString(asObject(parameters['item'])['id']);
  if (itemId !== undefined && state.done.has(itemId)) return [state, []];
  const [key, block] = blockAt(state, type, itemId);
  const [others, ended] = endAnonymousBlocks(state, key);
  const [next, events] = appendDelta(block, asString(parameters['delta']) ?? '', part);
  const named = state.blocks.has(key) || itemId !== undefined ? state.named : state.named + 1;
  const spoke = state.spoke || (block.kind === 'text' && events.length > 0);
  return [{ ...withBlock(others, key, next), phase: 'running', named, spoke }, [...ended, ...events]];
}

/** What has no name has no completed item either: it ends when something else begins. */
function endAnonymousBlocks(state: CodexState, except: string): CodexStep {
  const over = (['agentMessage', 'reasoning'] as const)
    .map(toAnonymousKey)
    .flatMap((key) => (key === except ? [] : [{ key, block: state.blocks.get(key) }]));
  const next = over.reduce((rest, { key }) => withBlock(rest, key, undefined), state);
  return [next, over.flatMap(({ block }) => (block === undefined ? [] : completeBlock(block, {})))];
}

function partAdded(state: CodexState, parameters: JsonObject): CodexStep {
  const [key, block] = blockAt(state, 'reasoning', readId(parameters, 'item'));
  return [state.blocks.has(key) ? withBlock(state, key, { ...block, partEnded: true }) : state, []];
}

function itemStarted(state: CodexState, item: JsonObject, startedAt: number | undefined): CodexStep {
  const id = asString(item['id']);
  if (item['type'] === 'userMessage') return userMessageHeard(state, asString(item['clientId']));
  if (item['type'] === 'agentMessage') return [{ ...state, begun: id }, []];
  if (item['type'] === 'contextCompaction') {
    return [state, [{ type: 'notice', kind: 'compacting', message: 'The conversation is being compacted.' }]];
  }
  const tool = id === undefined ? undefined : toToolItem(item, id);
  if (tool === undefined || !tool.knownAtStart || isEmitted(state, tool.call.id)) return [state, []];
  const [others, ended] = endAnonymousBlocks(state, '');
  const started: CodexState = { ...others, phase: 'running', calls: withElement(state.calls, tool.call.id) };
  const next =
    startedAt === undefined
      ? started
      : withRunning(started, tool.call.id, { name: tool.call.name, since: startedAt, lastNoticeAt: startedAt });
  return [next, [...ended, tool.call]];
}

/**
 * A further message is an item when it goes to the model with the next call. A message of the model that is being streamed then is given
 * up, and another one follows (0.169.0, seen).
 */
function userMessageHeard(state: CodexState, id: string | undefined): CodexStep {
  if (id === undefined || !state.unheard.has(id)) return [state, []];
  const ended = [...state.blocks.values()].flatMap((block) => completeBlock(block, { text: block.text }));
  const next = { ...state, unheard: withoutElement(state.unheard, id), blocks: new Map(), begun: undefined };
  return [next, [...ended, { type: 'user-message', id }]];
}

function itemCompleted(state: CodexState, item: JsonObject): CodexStep {
  const type = asString(item['type']);
  const itemId = asString(item['id']);
  if (itemId !== undefined && state.done.has(itemId)) return [state, []];
  if (isBlockType(type)) return blockCompleted(state, type, itemId, item);
  const id = itemId ?? `item-${state.named}`;
  const tool = toToolItem(item, id);
  if (tool === undefined) return [state, []];
  const [others, ended] = endAnonymousBlocks(state, '');
  const events = state.calls.has(id) ? [tool.result] : [tool.call, tool.result];
  return [
    {
      ...others,
      phase: 'running',
      named: state.named + 1,
      calls: withoutElement(state.calls, id),
      done: withElement(state.done, id),
    },
    [...ended, ...events],
  ];
}

function blockCompleted(state: CodexState, type: BlockType, itemId: string | undefined, item: JsonObject): CodexStep {
  // The deltas may have named no item while its completion does.
  const streamedAs = itemId !== undefined && state.blocks.has(itemId) ? itemId : toAnonymousKey(type);
  const [key, block] = state.blocks.has(streamedAs) ? blockAt(state, type, streamedAs) : blockAt(state, type, itemId);
  const [others, ended] = endAnonymousBlocks(state, key);
  const events = completeBlock(block, item);
  const done = itemId === undefined ? state.done : withElement(state.done, itemId);
  const spoke = state.spoke || (block.kind === 'text' && events.length > 0);
  const begun = itemId === state.begun ? undefined : state.begun;
  return [
    { ...withBlock(others, key, undefined), phase: 'running', named: state.named + 1, done, begun, spoke },
    [...ended, ...events],
  ];
}

function progressed(state: CodexState, itemId: string, now: number): CodexStep {
  const tool = state.running.get(itemId);
  if (tool === undefined) return [withRunning(state, itemId, { name: 'A tool', since: now, lastNoticeAt: now }), []];
  const noticed = progressNotice(tool, now);
  if (noticed === undefined) return [state, []];
  const [next, notice] = noticed;
  return [withRunning(state, itemId, next), [notice]];
}

function withRunning(state: CodexState, itemId: string, tool: RunningTool): CodexState {
  return { ...state, running: new Map(state.running).set(itemId, tool) };
}

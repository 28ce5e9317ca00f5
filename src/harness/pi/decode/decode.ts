import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asObjects, asNumber, asString } from '../../../domain/json.js';
import { progressNotice } from '../../decode/progress-notice.js';
import { readTextBlock, readUserText, toPiBlockId, toMessageId, toPiResult, toPiToolCall } from './content.js';
import { parsePiFailure } from './failure.js';
import type { PiBlock, PiMessage, PiState, PiStep } from './state.js';
import { toPiEnd, toPiStop } from './stop.js';
import { isUsedByPi, toPiUsage, withoutOutput } from './usage.js';

/**
 * Decodes one event of pi's RPC mode, 1.6.0. Pure. The repeated messages that 0.74.2 adds to each delta are not read.
 *
 * @param now in milliseconds since the epoch
 */
export function decodePi(state: PiState, event: JsonObject, now: number): PiStep {
  if (state.hasEnded) return [state, []];
  const message = asObject(event['message']);
  switch (event['type']) {
    case 'message_start':
      return startMessage(state, message);
    case 'message_update':
      return updateMessage(state, asObject(event['assistantMessageEvent']));
    case 'message_end':
      return message['role'] === 'assistant' ? endMessage(state, message) : [state, []];
    case 'tool_execution_start':
      return startTool(state, event, now);
    case 'tool_execution_update':
      return updateTool(state, event, now);
    case 'tool_execution_end':
      return endTool(state, event);
    case 'auto_retry_start':
    case 'summarization_retry_scheduled':
      return [state, [{ type: 'notice', kind: 'retrying', message: failureText(event) }]];
    case 'compaction_start':
      return [state, [{ type: 'notice', kind: 'compacting', message: 'the context is compacted' }]];
    case 'compaction_end':
      return [state, countCompaction(state, event)];
    case 'agent_settled':
      return endTurn(state, event['aborted'] === true);
    default:
      return [state, []];
  }
}

function startMessage(state: PiState, message: JsonObject): PiStep {
  if (message['role'] === 'user') return hear(state, readUserText(message));
  if (message['role'] !== 'assistant') return [state, []];
  const model = asString(message['responseModel']) ?? asString(message['model']) ?? state.model;
  // A call that is refused, or aborted before its answer, is no model call; its message begins and ends at once.
  const isRefused = message['stopReason'] === 'error' || message['stopReason'] === 'aborted';
  const started: PiMessage = { id: toMessageId(message), blocks: new Map(), isUsedByPi: !isRefused };
  const usage = withoutOutput(toPiUsage(message['usage']));
  return [{ ...state, model, message: started }, isRefused ? [] : [{ type: 'model-call-start', model, usage }]];
}

/** The prompt is told first; of what pi was given later, each message once, in their order. */
function hear(state: PiState, text: string): PiStep {
  if (!state.hasPrompt) return [{ ...state, hasPrompt: true }, []];
  const heard = state.queued.find((message) => message.text === text);
  if (heard === undefined) return [state, []];
  const queued = state.queued.filter((message) => message !== heard);
  return [{ ...state, queued }, [{ type: 'user-message', id: heard.id }]];
}

function updateMessage(state: PiState, update: JsonObject): PiStep {
  const { message } = state;
  const index = asNumber(update['contentIndex']);
  const [kind, step] = readUpdate(update['type']);
  if (message === undefined || index === undefined || kind === undefined) return [state, []];
  const block: PiBlock = message.blocks.get(index) ?? { kind, text: '', hasEnded: false };
  const id = toPiBlockId(message.id, index);
  const [next, events] =
    step === 'delta'
      ? append(block, id, asString(update['delta']) ?? '')
      : complete(block, id, asString(update['content']) ?? block.text);
  return [{ ...state, message: { ...message, blocks: new Map(message.blocks).set(index, next) } }, events];
}

function readUpdate(type: unknown): readonly ['text' | 'thinking' | undefined, 'delta' | 'end'] {
  switch (type) {
    case 'text_delta':
      return ['text', 'delta'];
    case 'text_end':
      return ['text', 'end'];
    case 'thinking_delta':
      return ['thinking', 'delta'];
    case 'thinking_end':
      return ['thinking', 'end'];
    default:
      return [undefined, 'end'];
  }
}

type BlockStep = readonly [PiBlock, readonly HarnessEvent[]];

function append(block: PiBlock, id: string, text: string): BlockStep {
  if (block.hasEnded || text === '') return [block, []];
  const type = block.kind === 'text' ? 'text-delta' : 'thinking-delta';
  return [{ ...block, text: block.text + text }, [{ type, id, text }]];
}

/** Tells what the deltas left out, then ends the block. A block without any text was never there. */
function complete(block: PiBlock, id: string, whole: string): BlockStep {
  if (block.hasEnded) return [block, []];
  const missing = whole.startsWith(block.text) ? whole.slice(block.text.length) : '';
  const [told, events] = append(block, id, missing);
  return [{ ...told, hasEnded: true }, told.text === '' ? [] : [...events, { type: 'block-end', id }]];
}

/** Ends what is still open of the message, and counts its model call. */
function endMessage(state: PiState, message: JsonObject): PiStep {
  const {
    id,
    blocks,
    isUsedByPi: hasStarted,
  } = state.message ?? {
    id: toMessageId(message),
    blocks: new Map<number, PiBlock>(),
    isUsedByPi: false,
  };
  const ends = asObjects(message['content']).flatMap((part, index) => {
    const whole = readTextBlock(part);
    if (whole === undefined) return [];
    const block = blocks.get(index) ?? { kind: whole.kind, text: '', hasEnded: false };
    return complete(block, toPiBlockId(id, index), whole.text)[1];
  });
  const usage = toPiUsage(message['usage']);
  const model = asString(message['responseModel']) ?? asString(message['model']) ?? state.model;
  const start: HarnessEvent = { type: 'model-call-start', model, usage: withoutOutput(usage) };
  const count: readonly HarnessEvent[] =
    hasStarted || isUsedByPi(usage) ? [...(hasStarted ? [] : [start]), { type: 'model-call-end', model, usage }] : [];
  return [{ ...state, model, message: undefined, stop: toPiStop(message) }, [...ends, ...count]];
}

function startTool(state: PiState, event: JsonObject, now: number): PiStep {
  const [id, name] = [asString(event['toolCallId']) ?? '', asString(event['toolName']) ?? 'tool'];
  const tools = new Map(state.tools).set(id, { name, since: now, lastNoticeAt: now });
  return [{ ...state, tools }, [toPiToolCall(id, name, asObject(event['args']))]];
}

function updateTool(state: PiState, event: JsonObject, now: number): PiStep {
  const id = asString(event['toolCallId']) ?? '';
  const tool = state.tools.get(id);
  const noticed = tool === undefined ? undefined : progressNotice(tool, now);
  if (noticed === undefined) return [state, []];
  const [next, notice] = noticed;
  return [{ ...state, tools: new Map(state.tools).set(id, next) }, [notice]];
}

function endTool(state: PiState, event: JsonObject): PiStep {
  const id = asString(event['toolCallId']) ?? '';
  const tools = new Map(state.tools);
  if (!tools.delete(id)) return [state, []];
  const result = toPiResult(id, asObject(event['result'])['content'], event['isError'] === true);
  return [{ ...state, tools }, [result]];
}

/** A compaction asks the model too. */
function countCompaction({ model }: PiState, event: JsonObject): readonly HarnessEvent[] {
  const usage = toPiUsage(asObject(event['result'])['usage']);
  if (!isUsedByPi(usage)) return [];
  return [
    { type: 'model-call-start', model, usage: withoutOutput(usage) },
    { type: 'model-call-end', model, usage },
  ];
}

function failureText(event: JsonObject): string {
  return parsePiFailure(asString(event['errorMessage'])).message;
}

/** No tool is left open, so that no reader waits for it. */
function endTurn(state: PiState, isAborted: boolean): PiStep {
  const content = [{ type: 'text', text: 'The tool was stopped.' }];
  const results = [...state.tools.keys()].map((id) => toPiResult(id, content, true));
  return [{ ...state, tools: new Map(), hasEnded: true }, [...results, toPiEnd(state.stop, isAborted)]];
}

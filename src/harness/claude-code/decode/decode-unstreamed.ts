import type { HarnessEvent, JsonObject, TokenUsage } from '../../../domain/harness-event.js';
import { toToolCall, toToolResult } from './content.js';
import type { TurnStep } from './decode-stream.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import { parseErrorStop } from './stop.js';
import { ANSWER_TOOL } from './structured-output.js';
import type { DecoderState } from './turn-state.js';
import { addCallUsage, isUsed, subtractUsage, parseUsage } from './usage.js';

const NO_EVENTS: readonly HarnessEvent[] = [];

/** Model name in messages that Claude Code 2.1.330 generates itself. */
const SYNTHETIC_MODEL = '<synthetic>';
/** Claude Code 2.1.330 inserts this message on resume, to keep the roles alternating. */
const SYNTHETIC_FILLER = 'No response requested.';
const INTERRUPTION_MARKER = '[Request interrupted by user';

/** Decodes an `assistant` line of the agent itself: tool calls, and blocks that were not streamed. */
export function decodeAssistant(turn: DecoderState, line: JsonObject): TurnStep {
  const lineId = asString(line['uuid']);
  if (lineId !== undefined && turn.seenIds.has(lineId)) return [turn, NO_EVENTS];
  const seen = lineId === undefined ? turn : { ...turn, seenIds: new Set([...turn.seenIds, lineId]) };
  const message = asObject(line['message']);
  if (message['model'] === SYNTHETIC_MODEL) return decodeSynthetic(seen, line, message);
  const id = asString(message['id']) ?? '';
  const streamed = turn.streamed.has(id);
  const [started, starts] = streamed ? [seen, NO_EVENTS] : startUnstreamedCall(seen, id, message);
  return emitBlocks(started, id, message, streamed, starts);
}

/** Decodes a `user` line of the agent itself: tool results. Its text is from the user or Claude Code, never from the agent. */
export function decodeUser(turn: DecoderState, line: JsonObject): TurnStep {
  const content = asObject(line['message'])['content'];
  const texts = typeof content === 'string' ? [content] : asObjects(content).map((block) => asString(block['text']));
  const interrupted = turn.interrupted || texts.some((text) => text?.startsWith(INTERRUPTION_MARKER) === true);
  const results = asObjects(content)
    .filter((block) => block['type'] === 'tool_result')
    .flatMap((block) => toToolResult(block) ?? [])
    .filter((result) => !turn.seenIds.has(resultKey(result.id)));
  if (results.length === 0 && interrupted === turn.interrupted) return [turn, NO_EVENTS];
  return [
    { ...turn, interrupted, seenIds: new Set([...turn.seenIds, ...results.map(({ id }) => resultKey(id))]) },
    results,
  ];
}

/** Ends an unstreamed model call. `total` is the usage of the `result`, which counts since the previous `result`. */
export function endUnstreamedCall(turn: DecoderState, total?: TokenUsage): TurnStep {
  const { unstreamed } = turn;
  if (unstreamed === undefined) return [turn, NO_EVENTS];
  // An `assistant` line has only the usage at the start of the message; the `result`, minus the other calls, has the final one.
  const usage = total !== undefined && isUsed(total) ? subtractUsage(total, turn.sinceResult) : unstreamed.usage;
  const next = { ...turn, unstreamed: undefined, sinceResult: addCallUsage(turn.sinceResult, usage) };
  return [next, [{ type: 'model-call-end', model: unstreamed.model, usage }]];
}

function startUnstreamedCall(turn: DecoderState, id: string, message: JsonObject): TurnStep {
  if (turn.unstreamedBlocks.has(id)) return [turn, NO_EVENTS];
  const [ended, ends] = endUnstreamedCall(turn);
  const [model, usage] = [asString(message['model']) ?? '', parseUsage(message['usage'])];
  const next = {
    ...ended,
    unstreamed: { id, model, usage },
    unstreamedBlocks: new Map([...turn.unstreamedBlocks, [id, 0]]),
  };
  return [next, [...ends, { type: 'model-call-start', model, usage }]];
}

function emitBlocks(
  turn: DecoderState,
  id: string,
  message: JsonObject,
  streamed: boolean,
  before: readonly HarnessEvent[],
): TurnStep {
  const events = [...before];
  const calls: string[] = [];
  let index = turn.unstreamedBlocks.get(id) ?? 0;
  for (const block of asObjects(message['content'])) {
    const call = block['type'] === 'tool_use' ? toToolCall(block) : undefined;
    if (call?.name === ANSWER_TOOL) {
      // The turn's answer: the end of the turn emits it. Marked as seen, so that neither the call nor its result is emitted.
      calls.push(callKey(call.id), resultKey(call.id));
    } else if (call !== undefined && !turn.seenIds.has(callKey(call.id))) {
      calls.push(callKey(call.id));
      events.push(call);
    }
    if (!streamed) events.push(...toUnstreamedBlockEvents(block, `${id}:${index}`));
    index += 1;
  }
  const unstreamedBlocks = streamed ? turn.unstreamedBlocks : new Map([...turn.unstreamedBlocks, [id, index]]);
  return [{ ...turn, unstreamedBlocks, seenIds: new Set([...turn.seenIds, ...calls]) }, events];
}

/** The events of an unstreamed text or thinking block; none for an empty block or another type. */
export function toUnstreamedBlockEvents(block: JsonObject, id: string): readonly HarnessEvent[] {
  const [text, thinking] = [asString(block['text']) ?? '', asString(block['thinking']) ?? ''];
  if (block['type'] === 'text' && text !== '') {
    return [
      { type: 'text-delta', id, text },
      { type: 'block-end', id },
    ];
  }
  if (block['type'] === 'thinking' && thinking !== '') {
    const signature = asString(block['signature']) ?? '';
    const end: HarnessEvent = signature === '' ? { type: 'block-end', id } : { type: 'block-end', id, signature };
    return [{ type: 'thinking-delta', id, text: thinking }, end];
  }
  return [];
}

/** A failed or stopped model call, which the end of the turn reports, or the output of a command such as `/cost`, which is an answer. */
function decodeSynthetic(turn: DecoderState, line: JsonObject, message: JsonObject): TurnStep {
  const text = asObjects(message['content'])
    .map((block) => asString(block['text']) ?? '')
    .join('');
  if (line['is_api_error_message'] === true || line['error'] !== undefined || text.startsWith('API Error')) {
    const stop = parseErrorStop(message, line['api_error'], line['api_error_params']);
    return [{ ...turn, failure: text, errorStop: stop?.reason, refusal: stop?.refusal }, NO_EVENTS];
  }
  const id = `${asString(message['id']) ?? 'synthetic'}:0`;
  return [turn, text === SYNTHETIC_FILLER ? NO_EVENTS : toUnstreamedBlockEvents({ type: 'text', text }, id)];
}

function callKey(id: string): string {
  return `call:${id}`;
}

function resultKey(id: string): string {
  return `result:${id}`;
}

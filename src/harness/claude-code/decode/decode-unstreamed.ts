import type { HarnessEvent, JsonObject, TokenUsage } from '../../../domain/harness-event.js';
import { toToolCall, toToolResult } from './content.js';
import type { TurnStep } from './decode-stream.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import { parseErrorStop } from './stop.js';
import { ANSWER_TOOL } from './structured-output.js';
import type { DecoderState } from './turn-state.js';
import { addCallUsage, isUsed, subtractUsage, parseUsage } from './usage.js';

const NOTHING: readonly HarnessEvent[] = [];

/** What Claude Code 2.1.330 calls the model of messages that it makes up itself. */
const SYNTHETIC_MODEL = '<synthetic>';
/** What Claude Code 2.1.330 makes up to keep the roles in turn when it resumes. */
const SYNTHETIC_FILLER = 'No response requested.';
const INTERRUPTION_MARKER = '[Request interrupted by user';

/** One `assistant` line of the agent itself: tool calls, and what was not streamed before. */
export function decodeAssistant(turn: DecoderState, line: JsonObject): TurnStep {
  const lineId = asString(line['uuid']);
  if (lineId !== undefined && turn.seen.has(lineId)) return [turn, NOTHING];
  const seen = lineId === undefined ? turn : { ...turn, seen: new Set([...turn.seen, lineId]) };
  const message = asObject(line['message']);
  if (message['model'] === SYNTHETIC_MODEL) return decodeSynthetic(seen, line, message);
  const id = asString(message['id']) ?? '';
  const streamed = turn.streamed.has(id);
  const [begun, starts] = streamed ? [seen, NOTHING] : beginWhole(seen, id, message);
  return sayBlocks(begun, id, message, streamed, starts);
}

/** One `user` line of the agent itself: tool results. Its text is the user's, or Claude Code's own, and never the agent's. */
export function decodeUser(turn: DecoderState, line: JsonObject): TurnStep {
  const content = asObject(line['message'])['content'];
  const texts = typeof content === 'string' ? [content] : asObjects(content).map((block) => asString(block['text']));
  const interrupted = turn.interrupted || texts.some((text) => text?.startsWith(INTERRUPTION_MARKER) === true);
  const results = asObjects(content)
    .filter((block) => block['type'] === 'tool_result')
    .flatMap((block) => toToolResult(block) ?? [])
    .filter((result) => !turn.seen.has(resultKey(result.id)));
  if (results.length === 0 && interrupted === turn.interrupted) return [turn, NOTHING];
  return [{ ...turn, interrupted, seen: new Set([...turn.seen, ...results.map(({ id }) => resultKey(id))]) }, results];
}

/** Ends the model call that only `assistant` lines told of. `total` is what the `result` counts since the one before it. */
export function endUnstreamedCall(turn: DecoderState, total?: TokenUsage): TurnStep {
  const { unstreamed } = turn;
  if (unstreamed === undefined) return [turn, NOTHING];
  // An `assistant` line has the usage of the message's start; the rest of the result's count is this call's.
  const usage = total !== undefined && isUsed(total) ? subtractUsage(total, turn.sinceResult) : unstreamed.usage;
  const next = { ...turn, unstreamed: undefined, sinceResult: addCallUsage(turn.sinceResult, usage) };
  return [next, [{ type: 'model-call-end', model: unstreamed.model, usage }]];
}

function beginWhole(turn: DecoderState, id: string, message: JsonObject): TurnStep {
  if (turn.wholeBlocks.has(id)) return [turn, NOTHING];
  const [ended, ends] = endUnstreamedCall(turn);
  const [model, usage] = [asString(message['model']) ?? '', parseUsage(message['usage'])];
  const next = { ...ended, unstreamed: { id, model, usage }, wholeBlocks: new Map([...turn.wholeBlocks, [id, 0]]) };
  return [next, [...ends, { type: 'model-call-start', model, usage }]];
}

function sayBlocks(
  turn: DecoderState,
  id: string,
  message: JsonObject,
  streamed: boolean,
  before: readonly HarnessEvent[],
): TurnStep {
  const events = [...before];
  const calls: string[] = [];
  let index = turn.wholeBlocks.get(id) ?? 0;
  for (const block of asObjects(message['content'])) {
    const call = block['type'] === 'tool_use' ? toToolCall(block) : undefined;
    if (call?.name === ANSWER_TOOL) {
      // The turn's answer, which its end tells; as good as seen.
      calls.push(callKey(call.id), resultKey(call.id));
    } else if (call !== undefined && !turn.seen.has(callKey(call.id))) {
      calls.push(callKey(call.id));
      events.push(call);
    }
    if (!streamed) events.push(...unstreamedBlockEvents(block, `${id}:${index}`));
    index += 1;
  }
  const wholeBlocks = streamed ? turn.wholeBlocks : new Map([...turn.wholeBlocks, [id, index]]);
  return [{ ...turn, wholeBlocks, seen: new Set([...turn.seen, ...calls]) }, events];
}

/** A text or thinking block that comes whole; nothing for an empty block, or one of another type. */
export function unstreamedBlockEvents(block: JsonObject, id: string): readonly HarnessEvent[] {
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

/** A failed or stopped model call (what its end is to tell), or the output of a command such as `/cost`, which is an answer. */
function decodeSynthetic(turn: DecoderState, line: JsonObject, message: JsonObject): TurnStep {
  const text = asObjects(message['content'])
    .map((block) => asString(block['text']) ?? '')
    .join('');
  if (line['is_api_error_message'] === true || line['error'] !== undefined || text.startsWith('API Error')) {
    const stop = parseErrorStop(message, line['api_error'], line['api_error_params']);
    return [{ ...turn, failure: text, errorStop: stop?.reason, refusal: stop?.refusal }, NOTHING];
  }
  const id = `${asString(message['id']) ?? 'synthetic'}:0`;
  return [turn, text === SYNTHETIC_FILLER ? NOTHING : unstreamedBlockEvents({ type: 'text', text }, id)];
}

function callKey(id: string): string {
  return `call:${id}`;
}

function resultKey(id: string): string {
  return `result:${id}`;
}

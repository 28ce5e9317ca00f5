import type { JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asString, isJsonObject, parseObject } from '../../../domain/json.js';

/** One line of a recording, as Codex 0.169.0 writes it: `{timestamp, ordinal, type, payload}` (seen). */
export interface RolloutLine {
  /** Where in the file the line begins, in bytes. */
  readonly offset: number;
  readonly ordinal: number;
  readonly type: string;
  readonly payload: JsonObject;
}

/** A call of a tool, as the model made it. */
export interface RecordedCall {
  readonly id: string;
  readonly name: string;
  /** `undefined` for a tool without a namespace. */
  readonly namespace: string | undefined;
  /** `undefined` if the model's text of it is not a JSON object. */
  readonly input: JsonObject | undefined;
  /** Whether its output is a `custom_tool_call_output`. */
  readonly isCustom: boolean;
}

const NEWLINE = 0x0a;

/**
 * Reads a part of a recording that begins at `offset`; what is left of a line that began before (unless `isLineStart`), or has not ended,
 * is passed over.
 */
export function parseRolloutLines(bytes: Buffer, offset: number, isLineStart: boolean): readonly RolloutLine[] {
  const lines: RolloutLine[] = [];
  let start = isLineStart ? 0 : bytes.indexOf(NEWLINE) + 1;
  for (let end = bytes.indexOf(NEWLINE, start); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    const line = toLine(bytes.toString('utf8', start, end), offset + start);
    if (line !== undefined) lines.push(line);
    start = end + 1;
  }
  return lines;
}

function toLine(text: string, offset: number): RolloutLine | undefined {
  const fields = parseObject(text);
  const type = asString(fields?.['type']);
  if (fields === undefined || type === undefined) return undefined;
  return { offset, ordinal: asNumber(fields['ordinal']) ?? 0, type, payload: asObject(fields['payload']) };
}

/** The call that a line records; `undefined` for any other line. */
export function readCall({ type, payload }: RolloutLine): RecordedCall | undefined {
  if (type !== 'response_item') return undefined;
  const isCustom = payload['type'] === 'custom_tool_call';
  if (!isCustom && payload['type'] !== 'function_call') return undefined;
  const [id, name] = [asString(payload['call_id']), asString(payload['name'])];
  if (id === undefined || name === undefined) return undefined;
  const input = isCustom ? undefined : parseObject(asString(payload['arguments']) ?? '');
  return { id, name, namespace: asString(payload['namespace']), input, isCustom };
}

/** The id of the call that a line answers; `undefined` for any other line. */
export function readAnsweredCallId({ type, payload }: RolloutLine): string | undefined {
  const isOutput = payload['type'] === 'function_call_output' || payload['type'] === 'custom_tool_call_output';
  return type === 'response_item' && isOutput ? asString(payload['call_id']) : undefined;
}

/** The message of the model that made a call, once it is complete. */
export interface CompleteMessage {
  /** Where in the file its first line begins, in bytes. */
  readonly offset: number;
  readonly calls: readonly RecordedCall[];
  /** Its tokens, in Codex's counts. */
  readonly usage: JsonObject;
}

/**
 * The message that made this call, or `undefined` while it is not complete. Codex 0.169.0 writes `token_usage_record` at the end of a
 * response and before any output of its tools; no notification says it in a conversation that was resumed (both seen).
 */
export function findCompleteMessage(lines: readonly RolloutLine[], callId: string): CompleteMessage | undefined {
  const place = lines.findIndex((line) => readCall(line)?.id === callId);
  if (place < 0) return undefined;
  const end = lines.findIndex(({ type }, index) => index > place && type === 'token_usage_record');
  const record = lines[end]?.payload;
  if (record === undefined) return undefined;
  const start = findMessageStart(lines, place);
  return {
    offset: lines[start]?.offset ?? 0,
    calls: lines.slice(start, end).flatMap((line) => readCall(line) ?? []),
    usage: asObject(record['usage']),
  };
}

/** Where the message of the model begins that has the line at `place`: after the end of the one before, or the outputs of its tools. */
export function findMessageStart(lines: readonly RolloutLine[], place: number): number {
  const before = lines.findLastIndex(
    (line, index) =>
      index < place &&
      (line.type === 'token_usage_record' || isTurnStart(line) || readAnsweredCallId(line) !== undefined),
  );
  return before + 1;
}

/** The calls without an output, in their order. */
export function findOpenCalls(lines: readonly RolloutLine[]): readonly RecordedCall[] {
  const answered = new Set(lines.map(readAnsweredCallId));
  return lines.flatMap((line) => readCall(line) ?? []).filter(({ id }) => !answered.has(id));
}

/** The calls without an output of a turn of Codex and of all later ones; all of them if the lines do not have its beginning. */
export function findOpenCallsSince(
  lines: readonly RolloutLine[],
  codexTurnId: string | undefined,
): readonly RecordedCall[] {
  const start = lines.findIndex((line) => isTurnStart(line) && line.payload['turn_id'] === codexTurnId);
  return findOpenCalls(lines.slice(Math.max(0, start)));
}

/** What Codex 0.169.0 records as the output of a caller's call when it is stopped while the call waits (seen). */
const CANCELLED = 'dynamic tool call was cancelled before receiving a response';

/** What it records for a tool of its own, which may have ended: the output of one that has just ended is recorded a moment after its item (seen). */
const ABORTED = /^(Wall time: [\d.]+ seconds\naborted by user|aborted by user after [\d.]+s)$/;

/**
 * Where a recording is to be cut so that the caller's calls of its end wait again: before the outputs that a stopping Codex made up for
 * them, and the words of an interruption that follow. `undefined` if there is nothing to cut.
 */
export function findCancelledOutputs(lines: readonly RolloutLine[]): number | undefined {
  const cancelled = lines.findIndex(
    (line) => readAnsweredCallId(line) !== undefined && line.payload['output'] === CANCELLED,
  );
  if (cancelled < 0) return undefined;
  // Another turn has begun since: the model has heard of it.
  if (lines.slice(cancelled).some(isTurnStart)) return undefined;
  const turn = lines.slice(lines.findLastIndex(isTurnStart) + 1);
  const aborted = turn.find((line) => readAnsweredCallId(line) !== undefined && isAborted(line))?.offset;
  const place = findOutputs(lines, new Set(findCancelledIds(lines)));
  return aborted === undefined || place === undefined ? place : Math.min(aborted, place);
}

function isAborted({ payload }: RolloutLine): boolean {
  return ABORTED.test(asString(payload['output']) ?? '');
}

/** Where the outputs of these calls begin, in bytes; `undefined` if there are none. */
export function findOutputs(lines: readonly RolloutLine[], callIds: ReadonlySet<string>): number | undefined {
  return lines.find((line) => isItemOf(line, callIds) || callIds.has(readAnsweredCallId(line) ?? ''))?.offset;
}

function findCancelledIds(lines: readonly RolloutLine[]): readonly string[] {
  return lines.flatMap((line) => (line.payload['output'] === CANCELLED ? (readAnsweredCallId(line) ?? []) : []));
}

/** Whether a line begins a turn of Codex. */
export function isTurnStart({ type, payload }: RolloutLine): boolean {
  return type === 'event_msg' && payload['type'] === 'task_started';
}

/** Whether a line is the completed item of one of these calls. */
function isItemOf({ type, payload }: RolloutLine, callIds: ReadonlySet<string>): boolean {
  if (type !== 'event_msg' || payload['type'] !== 'item_completed') return false;
  const item = payload['item'];
  return isJsonObject(item) && callIds.has(asString(item['id']) ?? '');
}

import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { splitToolName } from './content.js';
import type { TurnStep } from './decode-stream.js';
import { asNumber, asObject, asString } from '../../../domain/json.js';
import type { DecoderState } from './turn-state.js';

/** Minimum time between two notices about the same tool. */
const NOTICE_INTERVAL_SECONDS = 10;
const MAX_DESCRIPTION_CHARS = 80;

/**
 * Decodes a `tool_progress` line: a tool runs, or a sub-agent retries its model call. Claude Code 2.1.330 writes one for every 30
 * seconds of a tool, with the tool's id as the parent id (recording claude-tool-progress).
 */
export function noteToolProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const retry = asObject(line['subagent_retry']);
  const attempt = asNumber(retry['attempt']);
  if (attempt !== undefined) {
    const message = `The model call of a sub-agent failed; retrying (retry ${attempt}).`;
    return [turn, [{ type: 'notice', kind: 'retrying', message }]];
  }
  const id = asString(line['parent_tool_use_id']) ?? asString(line['tool_use_id']) ?? '';
  const { name } = splitToolName(asString(line['tool_name']) ?? 'A tool');
  const seconds = asNumber(line['elapsed_time_seconds']) ?? 0;
  return throttledNotice(turn, `tool ${id}`, seconds, 0, `${name} has been running for ${seconds} s`);
}

/** Decodes a line of a sub-agent into a progress notice. Its work belongs to the tool call that started it, so nothing else is emitted. */
export function noteSubAgentProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const id = asString(line['parent_tool_use_id']) ?? '';
  const description = asString(line['task_description']);
  const message =
    description === undefined
      ? 'A sub-agent is working'
      : `A sub-agent is working: ${truncateDescription(description)}`;
  const seconds = Date.parse(asString(line['timestamp']) ?? '') / 1000;
  return throttledNotice(turn, `sub-agent ${id}`, Number.isNaN(seconds) ? 0 : seconds, undefined, message);
}

/** Decodes a `task_progress` line of a background task. */
export function noteTaskProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const description = asString(line['description']);
  const message =
    description === undefined
      ? 'A background task is working'
      : `A background task is working: ${truncateDescription(description)}`;
  const durationMs = asNumber(asObject(line['usage'])['duration_ms']) ?? 0;
  return throttledNotice(turn, `task ${asString(line['task_id']) ?? ''}`, durationMs / 1000, undefined, message);
}

/** Emits a notice, unless the last one with this key is too recent. Before the first notice, `startedAt` counts as the last one. */
function throttledNotice(
  turn: DecoderState,
  key: string,
  seconds: number,
  startedAt: number | undefined,
  message: string,
): TurnStep {
  const last = turn.lastNoticeAt.get(key) ?? startedAt;
  if (last !== undefined && seconds - last < NOTICE_INTERVAL_SECONDS) return [turn, []];
  const notice: HarnessEvent = { type: 'notice', kind: 'progress', message };
  return [{ ...turn, lastNoticeAt: new Map([...turn.lastNoticeAt, [key, seconds]]) }, [notice]];
}

/** The first line of the agent's description, truncated between characters. */
function truncateDescription(description: string): string {
  const [line = ''] = description.trim().split('\n');
  if (line.length <= MAX_DESCRIPTION_CHARS) return line;
  return `${line.slice(0, MAX_DESCRIPTION_CHARS - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

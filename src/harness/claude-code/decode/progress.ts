import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { splitToolName } from './content.js';
import type { TurnStep } from './decode-stream.js';
import { asNumber, asObject, asString } from '../../../domain/json.js';
import type { DecoderState } from './turn-state.js';

/** Least time between two notices about the same tool. */
const PAUSE_SECONDS = 10;
const MAX_DESCRIPTION = 80;

/**
 * A `tool_progress` line: a tool runs, or a sub-agent's model call is made again. Claude Code 2.1.330 writes one for every 30
 * seconds of a tool, with the tool's id as the parent's (recording claude-tool-progress).
 */
export function toolProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const retry = asObject(line['subagent_retry']);
  const attempt = asNumber(retry['attempt']);
  if (attempt !== undefined) {
    const message = `The model call of a sub-agent failed and is made again (retry ${attempt}).`;
    return [turn, [{ type: 'notice', kind: 'retrying', message }]];
  }
  const id = asString(line['parent_tool_use_id']) ?? asString(line['tool_use_id']) ?? '';
  const { name } = splitToolName(asString(line['tool_name']) ?? 'A tool');
  const seconds = asNumber(line['elapsed_time_seconds']) ?? 0;
  return notedAt(turn, `tool ${id}`, seconds, 0, `${name} has been running for ${seconds} s`);
}

/** A line of a sub-agent. Its inner work belongs to the call that started it; only a sign of life is passed on. */
export function subAgentProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const id = asString(line['parent_tool_use_id']) ?? '';
  const description = asString(line['task_description']);
  const message =
    description === undefined ? 'A sub-agent is working' : `A sub-agent is working: ${clipped(description)}`;
  const seconds = Date.parse(asString(line['timestamp']) ?? '') / 1000;
  return notedAt(turn, `sub-agent ${id}`, Number.isNaN(seconds) ? 0 : seconds, undefined, message);
}

/** A `task_progress` line of a task in the background. */
export function taskProgress(turn: DecoderState, line: JsonObject): TurnStep {
  const description = asString(line['description']);
  const message =
    description === undefined
      ? 'A background task is working'
      : `A background task is working: ${clipped(description)}`;
  const milliseconds = asNumber(asObject(line['usage'])['duration_ms']) ?? 0;
  return notedAt(turn, `task ${asString(line['task_id']) ?? ''}`, milliseconds / 1000, undefined, message);
}

/** A notice, unless the last one about the same thing is too young. `beginning` counts as the last one before there is any. */
function notedAt(
  turn: DecoderState,
  key: string,
  seconds: number,
  beginning: number | undefined,
  message: string,
): TurnStep {
  const last = turn.noticed.get(key) ?? beginning;
  if (last !== undefined && seconds - last < PAUSE_SECONDS) return [turn, []];
  const notice: HarnessEvent = { type: 'notice', kind: 'progress', message };
  return [{ ...turn, noticed: new Map([...turn.noticed, [key, seconds]]) }, [notice]];
}

/** The first line of a description that the agent gave, not too much of it, and no half character. */
function clipped(description: string): string {
  const [line = ''] = description.trim().split('\n');
  if (line.length <= MAX_DESCRIPTION) return line;
  return `${line.slice(0, MAX_DESCRIPTION - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

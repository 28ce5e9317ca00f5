import type { HarnessEvent, JsonObject, TurnEndReason } from '../../../domain/harness-event.js';
import { endsWithIdle, endsWithResult, trackResult, trackTask } from './background-tasks.js';
import { closeOpenBlocks, decodeStreamEvent } from './decode-stream.js';
import type { TurnStep } from './decode-stream.js';
import { decodeAssistant, decodeUser, endUnstreamedCall } from './decode-unstreamed.js';
import { parseApiFailure } from './failure.js';
import { subAgentProgress, taskProgress, toolProgress } from './progress.js';
import { answerEvents, missingAnswerFailure } from './structured-output.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../../domain/json.js';
import type { ClaudeState, DecoderState } from './turn-state.js';
import { addCallUsage, isUsed, NO_USAGE, parseUsage } from './usage.js';

/** Something about a line that is worth a word in the log. Never its content, which may quote the user. */
export interface DecodeNote {
  readonly kind: 'not-json';
  /** Of the line, in UTF-16 units. */
  readonly length: number;
}

/** The next state, what was said, and what was odd. */
export type DecodedLine = readonly [ClaudeState, readonly HarnessEvent[], readonly DecodeNote[]];

const NOTHING: readonly HarnessEvent[] = [];
const NO_NOTES: readonly DecodeNote[] = [];

const REASON_OF_STOP: Readonly<Record<string, TurnEndReason>> = {
  end_turn: 'end_turn',
  max_tokens: 'max_tokens',
  stop_sequence: 'stop_sequence',
  refusal: 'refusal',
  model_context_window_exceeded: 'model_context_window_exceeded',
};

/** The ends at which a turn has its answer; one that was cut short may lack it. */
const ANSWERED: ReadonlySet<TurnEndReason> = new Set<TurnEndReason>(['end_turn', 'stop_sequence', 'tool_use']);

/**
 * One line of Claude Code's `stream-json` output (2.1.330; recordings `claude-*`), with or without partial messages. Pure.
 *
 * Lines of unknown kinds say nothing. Lines after the turn's end say nothing either; only the process's background tasks are
 * kept up to date until {@link ClaudeState} is taken to its next turn.
 */
export function decodeLine(state: ClaudeState, text: string): DecodedLine {
  const line = parseObject(text);
  if (line === undefined) {
    return [state, NOTHING, text.trim() === '' ? NO_NOTES : [{ kind: 'not-json', length: text.length }]];
  }
  const [next, events] = decodeObject(state, line);
  return [next, events, NO_NOTES];
}

function decodeObject(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  if (line['type'] === 'system') return decodeSystem(state, line);
  if (line['type'] === 'result') return decodeResult(state, line);
  if (state.turn.ended) return [state, NOTHING];
  const [turn, events] = decodeMessage(state.turn, line);
  return [turn === state.turn ? state : { ...state, turn }, events];
}

function decodeMessage(turn: DecoderState, line: JsonObject): TurnStep {
  if (line['type'] === 'tool_progress') return toolProgress(turn, line);
  if (typeof line['parent_tool_use_id'] === 'string') {
    return line['type'] === 'stream_event' ? [turn, NOTHING] : subAgentProgress(turn, line);
  }
  switch (line['type']) {
    case 'stream_event':
      return decodeStreamEvent(turn, asObject(line['event']));
    case 'assistant':
      return decodeAssistant(turn, line);
    case 'user':
      return decodeUser(turn, line);
    default:
      return [turn, NOTHING];
  }
}

function decodeSystem(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  const tasks = trackTask(state.tasks, line);
  const next = tasks === state.tasks ? state : { ...state, tasks };
  switch (line['subtype']) {
    case 'init': {
      const sessionId = asString(line['session_id']);
      // After the end nothing is said; the next turn begins with an `init` line of its own.
      if (sessionId === undefined || sessionId === state.sessionId || state.turn.ended) return [next, NOTHING];
      return [{ ...next, sessionId }, [{ type: 'session-started', sessionId }]];
    }
    case 'api_retry':
      return state.turn.ended ? [next, NOTHING] : retry(next, line);
    case 'status': {
      const begun = state.turn.begun ? next : { ...next, turn: { ...state.turn, begun: true } };
      return [
        begun,
        line['status'] === 'compacting' ? said(state, 'compacting', 'The context is compacted.') : NOTHING,
      ];
    }
    case 'compact_boundary':
      return [next, said(state, 'compacting', 'The context was compacted.')];
    case 'model_refusal_fallback': {
      const instead = asString(line['fallback_model']) ?? 'another model';
      return [next, said(state, 'retrying', `The model refused, and ${instead} is asked instead.`)];
    }
    case 'task_progress': {
      if (state.turn.ended) return [next, NOTHING];
      const [turn, notices] = taskProgress(state.turn, line);
      return [{ ...next, turn }, notices];
    }
    case 'session_state_changed':
      return endsWithIdle(tasks, line) && !state.turn.ended
        ? endTurn(next, state.turn.reason, NOTHING)
        : [next, NOTHING];
    default:
      return [next, NOTHING];
  }
}

function said(state: ClaudeState, kind: 'compacting' | 'retrying', message: string): readonly HarnessEvent[] {
  return state.turn.ended ? NOTHING : [notice(kind, message)];
}

function notice(kind: 'retrying' | 'compacting', message: string): HarnessEvent {
  return { type: 'notice', kind, message };
}

function retry(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  const [turn, ends] = closeOpenBlocks(state.turn);
  const [attempt, status] = [asNumber(line['attempt']), asNumber(line['error_status'])];
  const cause = status === undefined ? 'failed' : `was answered ${status}`;
  const message = `The model call ${cause} and is made again${attempt === undefined ? '' : ` (retry ${attempt})`}.`;
  return [{ ...state, turn }, [...ends, notice('retrying', message)]];
}

function decodeResult(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  if (state.turn.ended) return [state, NOTHING];
  const usage = parseUsage(line['usage']);
  const [closed, ends] = closeOpenBlocks(state.turn);
  const [counted, counts] = endUnstreamedCall(closed, usage);
  const turn: DecoderState = {
    ...counted,
    total: addCallUsage(counted.total, usage),
    sinceResult: NO_USAGE,
    reason: counted.errorStop ?? toEndReason(line),
    errorStop: undefined,
    answer: line['structured_output'] ?? counted.answer,
  };
  const tasks = trackResult(state.tasks, line);
  const next: ClaudeState = { ...state, tasks, turn };
  const events = [...ends, ...counts];

  if (wasInterrupted(turn, line)) return endTurn(next, 'interrupted', events);
  const failed = line['is_error'] === true && line['subtype'] !== 'error_max_turns' && counted.errorStop === undefined;
  if (failed && tasks.answered) {
    return [{ ...next, turn: { ...turn, ended: true } }, [...events, failure(turn, line)]];
  }
  return endsWithResult(tasks, line) ? endTurn(next, turn.reason, events) : [next, events];
}

function endTurn(
  state: ClaudeState,
  reason: TurnEndReason,
  before: readonly HarnessEvent[],
): readonly [ClaudeState, readonly HarnessEvent[]] {
  const { turn } = state;
  return [{ ...state, turn: { ...turn, ended: true } }, [...before, ...ending(turn, reason)]];
}

function ending(turn: DecoderState, reason: TurnEndReason): readonly HarnessEvent[] {
  const end: HarnessEvent = {
    type: 'turn-end',
    reason,
    ...(reason === 'stop_sequence' && turn.stopSequence !== undefined ? { stopSequence: turn.stopSequence } : {}),
    ...(reason === 'refusal' && turn.refusal !== undefined ? { refusal: turn.refusal } : {}),
    ...(isUsed(turn.total) ? { usage: turn.total } : {}),
  };
  if (turn.shape === undefined || !ANSWERED.has(reason)) return [end];
  return turn.answer === undefined ? [missingAnswerFailure()] : [...answerEvents(turn.answer, turn.shape), end];
}

/** `terminal_reason` is `aborted_streaming` or `aborted_tools` (2.1.330); older versions only leave their marker in a user line. */
function wasInterrupted(turn: DecoderState, line: JsonObject): boolean {
  const aborted = asString(line['terminal_reason'])?.startsWith('aborted') === true;
  return line['subtype'] === 'error_during_execution' && (aborted || turn.interrupted);
}

function toEndReason(line: JsonObject): TurnEndReason {
  if (line['subtype'] === 'error_max_turns') return 'max_tokens';
  return REASON_OF_STOP[asString(line['stop_reason']) ?? ''] ?? 'end_turn';
}

function failure(turn: DecoderState, line: JsonObject): HarnessEvent {
  const errors = Array.isArray(line['errors']) ? line['errors'] : [];
  const first = errors
    .map((error) => (isJsonObject(error) ? error['message'] : error))
    .find((error) => typeof error === 'string');
  if (line['subtype'] === 'error_max_structured_output_retries') return missingAnswerFailure(first);
  return parseApiFailure(line, turn.failure ?? asString(line['result']) ?? first ?? '');
}

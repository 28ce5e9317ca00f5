import type { HarnessEvent, JsonObject, TurnEndReason } from '../../../domain/harness-event.js';
import { endsWithIdle, endsWithResult, trackResult, trackTask } from './background-tasks.js';
import { closeOpenBlocks, decodeStreamEvent } from './decode-stream.js';
import type { TurnStep } from './decode-stream.js';
import { decodeAssistant, decodeUser, endUnstreamedCall } from './decode-unstreamed.js';
import { parseApiFailure } from './failure.js';
import { endUnlessExpecting, hearMessages, withdrawMessage } from './further-messages.js';
import { noteSubAgentProgress, noteTaskProgress, noteToolProgress } from './progress.js';
import { answerEvents, toMissingAnswerFailure } from './structured-output.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../../domain/json.js';
import type { ClaudeState, DecoderState } from './turn-state.js';
import { addCallUsage, isUsed, NO_USAGE, parseUsage, subtractUsage } from './usage.js';

/** A problem of a line, for the log. Never contains the line, which may quote the user. */
export interface DecodeNote {
  readonly kind: 'not-json';
  /** Length of the line in UTF-16 code units. */
  readonly length: number;
}

/** The next state, the events to emit, and the problems to log. */
export type DecodedLine = readonly [ClaudeState, readonly HarnessEvent[], readonly DecodeNote[]];

const NO_EVENTS: readonly HarnessEvent[] = [];
const NO_NOTES: readonly DecodeNote[] = [];

const END_REASON_BY_STOP: Readonly<Record<string, TurnEndReason>> = {
  end_turn: 'end_turn',
  max_tokens: 'max_tokens',
  stop_sequence: 'stop_sequence',
  refusal: 'refusal',
  model_context_window_exceeded: 'model_context_window_exceeded',
};

/** End reasons that require an answer of the schema; a turn that was cut short may lack it. */
const ANSWER_REQUIRED: ReadonlySet<TurnEndReason> = new Set<TurnEndReason>(['end_turn', 'stop_sequence', 'tool_use']);

/**
 * Decodes one line of Claude Code's `stream-json` output (2.1.330; recordings `claude-*`), with or without partial messages. Pure.
 *
 * Emits nothing for lines of unknown kinds, and for lines after the end of the turn; those only update the background tasks until
 * `startTurn`.
 */
export function decodeLine(state: ClaudeState, text: string): DecodedLine {
  const line = parseObject(text);
  if (line === undefined) {
    return [state, NO_EVENTS, text.trim() === '' ? NO_NOTES : [{ kind: 'not-json', length: text.length }]];
  }
  const [next, events] = decodeObject(state, line);
  return [next, events, NO_NOTES];
}

function decodeObject(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  if (line['type'] === 'system') return decodeSystem(state, line);
  if (line['type'] === 'result') return decodeResult(state, line);
  if (state.turn.ended) return [state, NO_EVENTS];
  const [turn, events] = decodeMessage(state.turn, line);
  return [turn === state.turn ? state : { ...state, turn }, events];
}

function decodeMessage(turn: DecoderState, line: JsonObject): TurnStep {
  if (line['type'] === 'tool_progress') return noteToolProgress(turn, line);
  if (typeof line['parent_tool_use_id'] === 'string') {
    return line['type'] === 'stream_event' ? [turn, NO_EVENTS] : noteSubAgentProgress(turn, line);
  }
  switch (line['type']) {
    case 'stream_event':
      return decodeStreamEvent(turn, asObject(line['event']));
    case 'assistant':
      return decodeAssistant(turn, line);
    case 'user':
      return decodeUser(turn, line);
    case 'command_lifecycle':
      return withdrawMessage(turn, line);
    default:
      return [turn, NO_EVENTS];
  }
}

function decodeSystem(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  const tasks = trackTask(state.tasks, line);
  const next = tasks === state.tasks ? state : { ...state, tasks };
  switch (line['subtype']) {
    case 'init': {
      const sessionId = asString(line['session_id']);
      // Ignored after the end: the next turn starts with its own `init` line.
      if (sessionId === undefined || sessionId === state.sessionId || state.turn.ended) return [next, NO_EVENTS];
      return [{ ...next, sessionId }, [{ type: 'session-started', sessionId }]];
    }
    case 'api_retry':
      return state.turn.ended ? [next, NO_EVENTS] : retry(next, line);
    case 'status': {
      const [turn, heard] = hearMessages(state.turn, line);
      const started = turn.started ? turn : { ...turn, started: true };
      // Claude Code works again, on a message that came after its `result`.
      const working = heard.length === 0 ? next : { ...next, tasks: { ...tasks, answered: false } };
      return [
        started === state.turn ? working : { ...working, turn: started },
        line['status'] === 'compacting'
          ? noticeUnlessEnded(state, 'compacting', 'The context is being compacted.')
          : heard,
      ];
    }
    case 'compact_boundary':
      return [next, noticeUnlessEnded(state, 'compacting', 'The context was compacted.')];
    case 'model_refusal_fallback': {
      const fallback = asString(line['fallback_model']) ?? 'another model';
      return [next, noticeUnlessEnded(state, 'retrying', `The model refused; retrying with ${fallback}.`)];
    }
    case 'task_progress': {
      if (state.turn.ended) return [next, NO_EVENTS];
      const [turn, notices] = noteTaskProgress(state.turn, line);
      return [{ ...next, turn }, notices];
    }
    case 'session_state_changed':
      return endsWithIdle(tasks, line) && !state.turn.ended
        ? endTurn(next, endEvents(state.turn, state.turn.reason), NO_EVENTS)
        : [next, NO_EVENTS];
    default:
      return [next, NO_EVENTS];
  }
}

function noticeUnlessEnded(
  state: ClaudeState,
  kind: 'compacting' | 'retrying',
  message: string,
): readonly HarnessEvent[] {
  return state.turn.ended ? NO_EVENTS : [notice(kind, message)];
}

function notice(kind: 'retrying' | 'compacting', message: string): HarnessEvent {
  return { type: 'notice', kind, message };
}

function retry(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  const [turn, ends] = closeOpenBlocks(state.turn);
  const [attempt, status] = [asNumber(line['attempt']), asNumber(line['error_status'])];
  const cause = status === undefined ? 'failed' : `failed with status ${status}`;
  const message = `The model call ${cause}; retrying${attempt === undefined ? '' : ` (retry ${attempt})`}.`;
  return [{ ...state, turn }, [...ends, notice('retrying', message)]];
}

function decodeResult(state: ClaudeState, line: JsonObject): readonly [ClaudeState, readonly HarnessEvent[]] {
  if (state.turn.ended) return [state, NO_EVENTS];
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

  if (wasInterrupted(turn, line)) {
    return [{ ...next, turn: { ...turn, ended: true } }, [...events, ...endEvents(turn, 'interrupted')]];
  }
  const failed = line['is_error'] === true && line['subtype'] !== 'error_max_turns' && counted.errorStop === undefined;
  if (failed && tasks.answered) return endTurn(next, [failure(turn, line)], events);
  return endsWithResult(tasks, line) ? endTurn(next, endEvents(turn, turn.reason), events) : [next, events];
}

function endTurn(
  state: ClaudeState,
  end: readonly HarnessEvent[],
  before: readonly HarnessEvent[],
): readonly [ClaudeState, readonly HarnessEvent[]] {
  const [turn, events] = endUnlessExpecting(state.turn, end);
  return [{ ...state, turn }, [...before, ...events]];
}

function endEvents(turn: DecoderState, reason: TurnEndReason): readonly HarnessEvent[] {
  const usage = subtractUsage(turn.total, turn.reported);
  const end: HarnessEvent = {
    type: 'turn-end',
    reason,
    ...(reason === 'stop_sequence' && turn.stopSequence !== undefined ? { stopSequence: turn.stopSequence } : {}),
    ...(reason === 'refusal' && turn.refusal !== undefined ? { refusal: turn.refusal } : {}),
    ...(isUsed(usage) ? { usage } : {}),
  };
  if (turn.shape === undefined || !ANSWER_REQUIRED.has(reason)) return [end];
  return turn.answer === undefined ? [toMissingAnswerFailure()] : [...answerEvents(turn.answer, turn.shape), end];
}

/** `terminal_reason` is `aborted_streaming` or `aborted_tools` (2.1.330); older versions only write their marker in a user line. */
function wasInterrupted(turn: DecoderState, line: JsonObject): boolean {
  const aborted = asString(line['terminal_reason'])?.startsWith('aborted') === true;
  return line['subtype'] === 'error_during_execution' && (aborted || turn.interrupted);
}

function toEndReason(line: JsonObject): TurnEndReason {
  if (line['subtype'] === 'error_max_turns') return 'max_tokens';
  return END_REASON_BY_STOP[asString(line['stop_reason']) ?? ''] ?? 'end_turn';
}

function failure(turn: DecoderState, line: JsonObject): HarnessEvent {
  const errors = Array.isArray(line['errors']) ? line['errors'] : [];
  const first = errors
    .map((error) => (isJsonObject(error) ? error['message'] : error))
    .find((error) => typeof error === 'string');
  if (line['subtype'] === 'error_max_structured_output_retries') return toMissingAnswerFailure(first);
  return parseApiFailure(line, turn.failure ?? asString(line['result']) ?? first ?? '');
}

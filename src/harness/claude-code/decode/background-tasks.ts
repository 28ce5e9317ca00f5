import type { JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString } from '../../../domain/json.js';

/**
 * The background work that a turn waits for. Claude Code 2.1.330 writes a `result` when the agent itself stops, and another one each
 * time that a finished background task wakes it up (recording claude-subagent: two for one user message).
 *
 * A turn waits for sub-agents but not for background shell commands, as a development server never ends. Claude Code does the
 * same: with `CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS=1` its `session_state_changed` says `idle` while a background shell
 * command runs, but not while a sub-agent does.
 */
export interface BackgroundTasks {
  /** Running sub-agents of any turn. */
  readonly live: ReadonlySet<string>;
  /** Sub-agents that ran when the turn started; the turn does not wait for them. */
  readonly before: ReadonlySet<string>;
  /** Whether a `result` for the turn's own prompt has arrived; one for a background task never ends a turn. */
  readonly answered: boolean;
}

const SHELL_TASK = 'local_bash';
const NO_TASKS: ReadonlySet<string> = new Set();

/** No background tasks. */
export const NO_BACKGROUND_TASKS: BackgroundTasks = { live: NO_TASKS, before: NO_TASKS, answered: false };

/** Returns the state for the start of a turn. */
export function startTasks(tasks: BackgroundTasks): BackgroundTasks {
  return { live: tasks.live, before: tasks.live, answered: false };
}

/** Updates the tasks from a `system` line. */
export function trackTask(tasks: BackgroundTasks, line: JsonObject): BackgroundTasks {
  switch (line['subtype']) {
    case 'background_tasks_changed':
      return { ...tasks, live: new Set(asObjects(line['tasks']).filter(holdsTurn).flatMap(taskIds)) };
    case 'task_started':
      return line['is_backgrounded'] === true && holdsTurn(line)
        ? { ...tasks, live: new Set([...tasks.live, ...taskIds(line)]) }
        : tasks;
    case 'task_notification':
      return { ...tasks, live: new Set([...tasks.live].filter((id) => id !== line['task_id'])) };
    default:
      return tasks;
  }
}

/** Updates the tasks from a `result` line. */
export function trackResult(tasks: BackgroundTasks, result: JsonObject): BackgroundTasks {
  const forTask = asObject(result['origin'])['kind'] === 'task-notification';
  return forTask ? tasks : { ...tasks, answered: true };
}

/** Whether this `result` ends the turn: its own prompt is answered, nothing is queued, and its sub-agents have finished. */
export function endsWithResult(tasks: BackgroundTasks, result: JsonObject): boolean {
  const queued = asNumber(result['queued_turn_count']) ?? 0;
  return tasks.answered && queued === 0 && [...tasks.live].every((id) => tasks.before.has(id));
}

/**
 * Whether this `system` line ends the turn: Claude Code reports `idle` after the turn's own `result`. This ends a turn whose
 * sub-agent was stopped without waking the agent up.
 */
export function endsWithIdle(tasks: BackgroundTasks, line: JsonObject): boolean {
  return tasks.answered && line['subtype'] === 'session_state_changed' && line['state'] === 'idle';
}

function holdsTurn(task: JsonObject): boolean {
  return task['task_type'] !== SHELL_TASK;
}

function taskIds(task: JsonObject): readonly string[] {
  const id = asString(task['task_id']);
  return id === undefined ? [] : [id];
}

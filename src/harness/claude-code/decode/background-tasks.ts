import type { JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString } from '../../../domain/json.js';

/**
 * Which background work a turn waits for. Claude Code 2.1.330 writes a `result` as soon as the agent itself has stopped, and
 * another one for each time that a background task's end wakes it up (recording claude-subagent: two for one user message).
 *
 * Sub-agents hold the turn; background shell commands do not, as a development server never ends. Claude Code draws the
 * same line: with `CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS=1` its `session_state_changed` says `idle` while a background shell
 * command runs, but not while a sub-agent does.
 */
export interface BackgroundTasks {
  /** Sub-agents that run, whichever turn started them. */
  readonly live: ReadonlySet<string>;
  /** Those that ran when the turn began; the turn does not wait for them. */
  readonly before: ReadonlySet<string>;
  /** Whether a `result` for the turn's own prompt was seen; one for a background task alone never ends a turn. */
  readonly answered: boolean;
}

const SHELL_TASK = 'local_bash';
const NO_TASKS: ReadonlySet<string> = new Set();

/** Nothing runs. */
export const NO_BACKGROUND_TASKS: BackgroundTasks = { live: NO_TASKS, before: NO_TASKS, answered: false };

/** The same tasks at the beginning of a turn. */
export function beginTasks(tasks: BackgroundTasks): BackgroundTasks {
  return { live: tasks.live, before: tasks.live, answered: false };
}

/** What a `system` line changes. */
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

/** What a `result` line changes. */
export function trackResult(tasks: BackgroundTasks, result: JsonObject): BackgroundTasks {
  const forTask = asObject(result['origin'])['kind'] === 'task-notification';
  return forTask ? tasks : { ...tasks, answered: true };
}

/** Whether a turn is over with this `result`: its own prompt is answered, and nothing that it started or queued is left. */
export function endsWithResult(tasks: BackgroundTasks, result: JsonObject): boolean {
  const queued = asNumber(result['queued_turn_count']) ?? 0;
  return tasks.answered && queued === 0 && [...tasks.live].every((id) => tasks.before.has(id));
}

/**
 * Whether a turn is over with this `system` line: Claude Code says that it is idle after the turn's own `result`. This is how
 * a turn ends whose sub-agent was stopped without waking the agent up.
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

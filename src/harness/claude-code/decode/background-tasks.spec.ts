import { describe, expect, it } from 'vitest';
import {
  startTasks,
  endsWithIdle,
  endsWithResult,
  NO_BACKGROUND_TASKS,
  trackResult,
  trackTask,
} from './background-tasks.js';

const RESULT = { type: 'result' };
const FOR_TASK = { type: 'result', origin: { kind: 'task-notification' } };
const IDLE = { subtype: 'session_state_changed', state: 'idle' };
const tasks = (...list: readonly (readonly [id: string, type: string])[]) => ({
  subtype: 'background_tasks_changed',
  tasks: list.map(([task_id, task_type]) => ({ task_id, task_type })),
});
const AGENT = tasks(['a', 'local_agent']);

describe('the work that a turn waits for', () => {
  it('is nothing without background tasks', () => {
    expect(endsWithResult(trackResult(NO_BACKGROUND_TASKS, RESULT), RESULT)).toBe(true);
  });

  it('is a sub-agent that runs, until it is gone', () => {
    const running = trackResult(trackTask(NO_BACKGROUND_TASKS, AGENT), RESULT);
    expect(endsWithResult(running, RESULT)).toBe(false);
    expect(endsWithResult(trackTask(running, tasks()), FOR_TASK)).toBe(true);
    expect(endsWithResult(trackTask(running, { subtype: 'task_notification', task_id: 'a' }), FOR_TASK)).toBe(true);
  });

  it('is not a shell command in the background, which may never end', () => {
    const running = trackResult(trackTask(NO_BACKGROUND_TASKS, tasks(['b', 'local_bash'])), RESULT);
    expect(endsWithResult(running, RESULT)).toBe(true);
  });

  it('is not a sub-agent of an earlier turn', () => {
    const next = startTasks(trackTask(NO_BACKGROUND_TASKS, AGENT));
    expect(endsWithResult(trackResult(next, RESULT), RESULT)).toBe(true);
  });

  it('is the turn’s own prompt, when an earlier background task woke the agent up first', () => {
    const woken = trackResult(NO_BACKGROUND_TASKS, FOR_TASK);
    expect(endsWithResult(woken, FOR_TASK)).toBe(false);
    expect(endsWithIdle(woken, IDLE)).toBe(false);
    expect(endsWithResult(trackResult(woken, RESULT), RESULT)).toBe(true);
  });

  it('is what is queued', () => {
    const queued = { ...RESULT, queued_turn_count: 1 };
    expect(endsWithResult(trackResult(NO_BACKGROUND_TASKS, queued), queued)).toBe(false);
  });

  it('ends when Claude Code reports that it is idle', () => {
    const running = trackResult(trackTask(NO_BACKGROUND_TASKS, AGENT), RESULT);
    expect(endsWithIdle(running, IDLE)).toBe(true);
  });
});

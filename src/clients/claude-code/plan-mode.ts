/** How Claude Code tells its model that plan mode begins, continues and ends. [2.1.330] */
const PLAN_MODE = ['Plan mode is active. The user indicated', 'Plan mode still active ('];
const PLAN_MODE_LEFT = '## Exited Plan Mode';

const ONLY_PLAN =
  'The user is in plan mode and does not want anything to be changed yet. Read and look up what you need, change nothing, and answer with a plan.';
const PLAN_OVER = 'The user has left plan mode: you may make changes again.';

/**
 * What the agent must know of the mode that the caller's user is in, in our own words: Claude Code's name files and tools of its own
 * machine. `undefined` when nothing changes.
 *
 * @param context what Claude Code says around the newest message.
 */
export function planModeNote(context: readonly string[]): string | undefined {
  const text = context.join('\n');
  const left = text.lastIndexOf(PLAN_MODE_LEFT);
  const entered = Math.max(...PLAN_MODE.map((mark) => text.lastIndexOf(mark)));
  if (entered > left) return ONLY_PLAN;
  return left === -1 ? undefined : PLAN_OVER;
}

/** The texts with which Claude Code announces that plan mode is on, and that it has ended. [2.1.330] */
const PLAN_MODE = ['Plan mode is active. The user indicated', 'Plan mode still active ('];
const PLAN_MODE_EXITED = '## Exited Plan Mode';

const ONLY_PLAN =
  'The user is in plan mode and does not want anything to be changed yet. Read and look up what you need, change nothing, and answer with a plan.';
const PLAN_OVER = 'The user has left plan mode: you may make changes again.';

/**
 * Returns a note for the agent when plan mode is on or has ended; `undefined` otherwise. Claude Code's own texts name files and tools
 * of the caller's machine, so they are not forwarded.
 *
 * @param context Claude Code's additions to the newest message.
 */
export function planModeNote(context: readonly string[]): string | undefined {
  const text = context.join('\n');
  const exitedAt = text.lastIndexOf(PLAN_MODE_EXITED);
  const enteredAt = Math.max(...PLAN_MODE.map((mark) => text.lastIndexOf(mark)));
  if (enteredAt > exitedAt) return ONLY_PLAN;
  return exitedAt === -1 ? undefined : PLAN_OVER;
}

/** The name of a turn in the session API: its id without dashes, `exe_` + 32 hex digits as centaur's are. */
export function toExecutionId(turnId: string): string {
  return `exe_${turnId.replaceAll('-', '')}`;
}

/** The id of the turn that an execution id names, or `undefined` for any other text. */
export function parseExecutionId(executionId: string): string | undefined {
  const match = /^exe_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(executionId);
  return match?.slice(1).join('-');
}

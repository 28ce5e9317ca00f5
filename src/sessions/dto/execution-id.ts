/** Converts a turn id to an execution id: `exe_` and 32 hex digits, as in centaur. */
export function toExecutionId(turnId: string): string {
  return `exe_${turnId.replaceAll('-', '')}`;
}

/** Converts an execution id to its turn id; `undefined` for any other text. */
export function parseExecutionId(executionId: string): string | undefined {
  const match = /^exe_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(executionId);
  return match?.slice(1).join('-');
}

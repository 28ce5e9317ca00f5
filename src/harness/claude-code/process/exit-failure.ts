import type { FailureKind } from '../../../domain/harness-event.js';
import type { SandboxExit } from '../../../sandbox/sandbox.js';
import { describeStartFailure, toStartFailure } from '../../start-failure.js';

/** Claude Code 2.1.330 exits with this on its standard error, before any output, for a schema that it cannot use. */
const REFUSED_SCHEMA = /^Error: --json-schema /m;

/** The failure of a turn whose process has exited. */
export interface ExitFailure {
  readonly kind: FailureKind;
  /** For the caller. */
  readonly message: string;
  /** For the log. */
  readonly cause: string;
}

/** Converts the exit of a process into the failure of the turn that it ran. */
export function toExitFailure(exit: SandboxExit): ExitFailure {
  if (exit.notStarted !== undefined) {
    return {
      ...toStartFailure(exit.notStarted),
      cause: `failed to start Claude Code: ${describeStartFailure(exit.notStarted)}`,
    };
  }
  const how = exit.code === null ? `signal ${exit.signal ?? 'unknown'}` : `code ${exit.code}`;
  const cause = `Claude Code exited during a turn with ${how}`;
  return REFUSED_SCHEMA.test(exit.stderr)
    ? { kind: 'bad_request', message: 'The output schema is not a valid JSON Schema.', cause }
    : { kind: 'process_died', message: `The agent's process exited during the turn (${how}).`, cause };
}

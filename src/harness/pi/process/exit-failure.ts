import type { FailureKind } from '../../../domain/harness-event.js';
import type { SandboxExit } from '../../../sandbox/sandbox.js';
import { describeStartFailure, toStartFailure } from '../../start-failure.js';

/** The failure of a turn whose process has exited. */
export interface PiExitFailure {
  readonly kind: FailureKind;
  /** For the caller. */
  readonly message: string;
  /** For the log. */
  readonly cause: string;
}

/** What pi 1.6.0 says on its standard error before it exits with 1, without having begun (seen). */
const START_ERRORS: readonly (readonly [RegExp, FailureKind, string])[] = [
  [/^Error: Model ".*" not found/m, 'not_found', 'The agent does not know this model.'],
  [
    /^Error: Model ".*" is ambiguous/m,
    'not_found',
    'The name of the model is ambiguous to the agent: name its provider.',
  ],
  [/No models available|No API key/m, 'authentication', 'The agent has no credentials for a model.'],
];

/** Converts the exit of a process into the failure of the turn that it ran. */
export function toPiExitFailure(exit: SandboxExit): PiExitFailure {
  if (exit.notStarted !== undefined) {
    const cause = `failed to start pi: ${describeStartFailure(exit.notStarted)}`;
    return { ...toStartFailure(exit.notStarted), cause };
  }
  const how = exit.code === null ? `signal ${exit.signal ?? 'unknown'}` : `code ${exit.code}`;
  const cause = `pi exited during a turn with ${how}`;
  const known = exit.code === 1 ? START_ERRORS.find(([pattern]) => pattern.test(exit.stderr)) : undefined;
  if (known !== undefined) return { kind: known[1], message: known[2], cause };
  return { kind: 'process_died', message: `The agent's process exited during the turn (${how}).`, cause };
}

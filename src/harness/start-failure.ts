import type { SpawnFailure } from '../sandbox/process/spawn-failure.js';
import type { FailureKind } from '../domain/harness-event.js';

/** What the caller of a turn is told whose agent could not be started. */
export interface StartFailure {
  readonly kind: FailureKind;
  readonly message: string;
}

const START_FAILURES: Readonly<Record<SpawnFailure['reason'], StartFailure>> = {
  'program-missing': { kind: 'not_started', message: 'The agent program is not installed on this server.' },
  'program-not-runnable': { kind: 'not_started', message: 'The agent program of this server cannot be run.' },
  'arguments-too-long': {
    kind: 'not_started',
    message: 'The agent could not be started: its arguments and its environment are too long for this server.',
  },
  'workspace-unusable': {
    kind: 'internal',
    message: 'The agent could not be started: its workspace is gone or closed to it.',
  },
  'out-of-resources': {
    kind: 'overloaded',
    message: 'The agent could not be started: the server is out of memory, processes or open files.',
  },
  'sandbox-closed': { kind: 'internal', message: 'The agent could not be started: the server is stopping.' },
  unknown: { kind: 'internal', message: 'The agent could not be started.' },
};

/** The failure of a turn whose agent could not be started. */
export function toStartFailure({ reason }: SpawnFailure): StartFailure {
  return START_FAILURES[reason];
}

/** Why an agent could not be started, for the log: the system's own name of it, and nothing of its arguments or environment. */
export function startFailureText({ reason, code }: SpawnFailure): string {
  return code === undefined ? reason : `${reason}, ${code}`;
}

/** An agent's program that could not be started. */
export class NotStartedError extends Error {
  constructor(readonly failure: SpawnFailure) {
    super(startFailureText(failure));
    this.name = 'NotStartedError';
  }
}

import type { SpawnFailure } from '../sandbox/process/spawn-failure.js';
import type { FailureKind } from '../domain/harness-event.js';

/** The failure that a caller gets if the agent could not be started. */
export interface StartFailure {
  readonly kind: FailureKind;
  readonly message: string;
}

const START_FAILURES: Readonly<Record<SpawnFailure['reason'], StartFailure>> = {
  'program-missing': { kind: 'not_started', message: 'The agent program is not installed on this server.' },
  'program-not-runnable': { kind: 'not_started', message: 'The agent program on this server is not executable.' },
  'arguments-too-long': {
    kind: 'not_started',
    message: 'The agent could not be started: its arguments and environment exceed the system limit.',
  },
  'workspace-unusable': {
    kind: 'internal',
    message: 'The agent could not be started: its workspace is missing or not accessible.',
  },
  'out-of-resources': {
    kind: 'overloaded',
    message: 'The agent could not be started: the server is out of memory, processes or open files.',
  },
  'sandbox-closed': { kind: 'internal', message: 'The agent could not be started: the server is stopping.' },
  'sandbox-failed': { kind: 'internal', message: 'The agent could not be started: its sandbox could not be set up.' },
  unknown: { kind: 'internal', message: 'The agent could not be started.' },
};

/** Maps a spawn failure to the failure of the turn. */
export function toStartFailure({ reason }: SpawnFailure): StartFailure {
  return START_FAILURES[reason];
}

/** Describes a spawn failure for the log: the reason and the system's error code, without arguments or environment. */
export function describeStartFailure({ reason, code }: SpawnFailure): string {
  return code === undefined ? reason : `${reason}, ${code}`;
}

/** The agent's program could not be started. */
export class NotStartedError extends Error {
  constructor(readonly failure: SpawnFailure) {
    super(describeStartFailure(failure));
    this.name = 'NotStartedError';
  }
}

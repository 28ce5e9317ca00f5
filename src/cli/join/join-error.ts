/** Why a thread could not be joined, as the exit code of the program. Other failures exit with 1. */
export const JOIN_EXIT_CODES = {
  /** The server does not answer, or is no Chiron. */
  'no-server': 3,
  /** The server refused the key, or there is none. */
  'no-access': 4,
  'no-thread': 5,
  /** A turn of the thread is queued or running. */
  busy: 6,
  /** The client is not installed. */
  'no-client': 7,
} as const;

/** A thread could not be joined. The message is a sentence for the user. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
  /** What the program exits with. */
  readonly exitCode: number;

  constructor(reason: keyof typeof JOIN_EXIT_CODES, message: string) {
    super(`Chiron cannot join the thread: ${message}`);
    this.exitCode = JOIN_EXIT_CODES[reason];
  }
}

import type { KnownTurns } from '../../domain/known-turns.js';
import type { ShownTurn } from './conversation.js';
import type { ServerAddress } from './server-address.js';
import type { ClientStart } from './shell-line.js';

/** What a client needs to go on with a thread. */
export interface JoinedThread {
  readonly key: string;
  readonly model: string;
  readonly server: ServerAddress;
  /** Oldest first; may be empty. */
  readonly turns: readonly ShownTurn[];
  /** The turns that are shown; `undefined` for none. */
  readonly known: KnownTurns | undefined;
  /** A line below the conversation, for the user only. */
  readonly note: string;
  /** Models that the server has, in Codex's form; absent if it does not say. */
  readonly codexModels?: object | undefined;
}

/** The machine of the user, as far as a client depends on it. */
export interface UserPlace {
  /** The folder in which the client starts. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** An id for the session that is written. */
  readonly sessionId: string;
}

/** A file to write. */
export interface JoinFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** What it takes to start a client on a thread. */
export interface JoinPlan {
  readonly files: readonly JoinFile[];
  /** The file with the conversation; `undefined` if there is none. */
  readonly transcript: string | undefined;
  readonly start: ClientStart;
}

/** A client that can go on with a thread. */
export interface JoinClient {
  /** The name of the option and of the program. */
  readonly name: 'claude' | 'codex';
  readonly displayName: string;
  /** How it is installed. */
  readonly installLine: string;
  /** Plans what to write and how to start. Pure. */
  readonly plan: (thread: JoinedThread, place: UserPlace) => JoinPlan;
}

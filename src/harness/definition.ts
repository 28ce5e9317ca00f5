import type { HarnessSettings } from '../config/settings.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { Harness } from './harness.js';

/** What a harness is made with. */
export interface HarnessParts {
  readonly sandbox: Sandbox;
  /** Its program, as the deployment set it: an absolute path, or a name on the server's `PATH`. Empty for one that declares none. */
  readonly command: string;
}

/** Everything that the rest of the server needs to know of a harness. `docs/adding-a-harness.md` goes through one. */
export interface HarnessDefinition extends HarnessSettings {
  /** Unique, and for good: settings, model names (`<name>/<model>`) and stored threads have it. */
  readonly name: string;
  readonly displayName: string;
  /** `harness_type` in the session API. Unique, too. */
  readonly sessionType: string;
  /** Folders of each thread's home that the harness keeps its files in, by the variables that its processes find them by. */
  readonly home?: Readonly<Record<string, string>>;
  /** The variable in which the processes of a thread find the model that was asked for. */
  readonly modelVariable?: string;
  /** What makes it log in at its model provider, for the warnings of the start: variables, or files of the home template. */
  readonly login?: { readonly variables: readonly string[]; readonly files: readonly string[] };
  /** It runs commands without a model, and so answers only where it is the default harness or `CHIRON_DEMO` is on. */
  readonly isDemo?: boolean;
  /** Called once, when the server starts; the program may not be there. */
  create(parts: HarnessParts): Harness;
}

/** The harnesses of a server, in the order in which `auto` prefers them. */
export type Harnesses = readonly HarnessDefinition[];

/** Injection token of the harnesses. */
export const Harnesses = Symbol('Harnesses');

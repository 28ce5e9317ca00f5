import type { ModelProvider } from '../broker/model-provider.js';
import type { HarnessSettings } from '../config/settings.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { Harness } from './harness.js';

/** Dependencies of a harness. */
export interface HarnessParts {
  readonly sandbox: Sandbox;
  /** The configured program: an absolute path, or a name on the server's `PATH`. Empty for a harness without one. */
  readonly command: string;
}

/** The npm package with a harness's program. */
export interface AgentNpmPackage {
  readonly name: string;
  /** The version that this Chiron is tested with. */
  readonly version: string;
  /** The name of its program; that of the definition's `program` by default. */
  readonly program?: string;
  /** Whether the package is complete only after a script of its own has run. */
  readonly hasInstallScript: boolean;
}

/** Describes a harness to the rest of the server. `docs/adding-a-harness.md` walks through one. */
export interface HarnessDefinition extends HarnessSettings {
  /** Unique and permanent: settings, model names (`<name>/<model>`) and stored threads contain it. */
  readonly name: string;
  readonly displayName: string;
  /** `harness_type` in the session API. Also unique. */
  readonly sessionType: string;
  /** The npm package with its program, for `chiron agents install`. */
  readonly npmPackage?: AgentNpmPackage;
  /** Folders in each thread's home where the harness keeps its files, keyed by the variable that points its processes to them. */
  readonly home?: Readonly<Record<string, string>>;
  /** Further folders of a thread's home with its own records, relative to the home: where nothing tells its processes where they are. */
  readonly recordFolders?: readonly string[];
  /** Whether its models are offered as `<name>/<model>` only, as other harnesses may have models of the same names. */
  readonly offersFullNames?: boolean;
  /** The environment variable that passes the requested model to the processes of a thread. */
  readonly modelVariable?: string;
  /** Credentials for its model provider: variables, or files of the home template. The server warns at startup if none is present. */
  readonly login?: { readonly variables: readonly string[]; readonly files: readonly string[] };
  /**
   * Paths below a thread's folder that snapshots of its files leave out: what holds for one machine only, is made anew, or is a secret. `*` in
   * the last name matches any text. A file of a home template among them is put back when a thread is restored.
   */
  readonly notInSnapshots?: readonly string[];
  /** The API of its models, for the broker; absent for a harness whose agents always call it by themselves. */
  readonly provider?: ModelProvider;
  /** Runs commands without a model, so it is offered only as the default harness or with `CHIRON_DEMO` on. */
  readonly isDemo?: boolean;
  /** Called once at startup; the program may be missing. */
  create(parts: HarnessParts): Harness;
}

/** The harnesses of a server, in the order of preference for `auto`. */
export type Harnesses = readonly HarnessDefinition[];

/** Injection token of the harnesses. */
export const Harnesses = Symbol('Harnesses');

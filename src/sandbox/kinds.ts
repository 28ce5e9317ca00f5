import { findBubblewrapProblem } from './bubblewrap/probe.js';
import { BubblewrapSandbox } from './bubblewrap/bubblewrap.sandbox.js';
import { LandlockSandbox } from './landlock/landlock.sandbox.js';
import { findLandlockProblem } from './landlock/probe.js';
import { LocalSandbox } from './local/local.sandbox.js';
import type { Sandbox, SandboxOptions } from './sandbox.js';

/** A kind of sandbox. */
export interface SandboxKind {
  create(options: SandboxOptions): Sandbox;
  /** Finds out why the kind does not work here, in one or two sentences; `undefined` if it does. Absent for a kind that works everywhere. */
  findProblem?(options: SandboxOptions): Promise<string | undefined>;
}

/** The kinds of sandbox by their names, the strongest first. */
export type SandboxKinds = Readonly<Record<string, SandboxKind>>;

/** Every kind of sandbox. To add one, add its folder and an entry here; the contract spec covers all entries. */
export const SANDBOXES: SandboxKinds = {
  bubblewrap: { create: (options) => new BubblewrapSandbox(options), findProblem: findBubblewrapProblem },
  landlock: { create: (options) => new LandlockSandbox(options), findProblem: findLandlockProblem },
  local: { create: (options) => new LocalSandbox(options) },
};

/** Injection token of the kinds, for a program that adds its own. */
export const SANDBOX_KINDS = Symbol('SANDBOX_KINDS');

/** The kind for a deployment that configures none. */
const DEFAULT_KIND = 'local';

/** A sandbox, and why stronger kinds were passed over. */
export interface SandboxChoice {
  readonly name: string;
  readonly sandbox: Sandbox;
  /** Sentences, by the names of the kinds. */
  readonly problems: Readonly<Record<string, string>>;
}

/** Injection token of the {@link SandboxChoice}. */
export const SandboxChoice = Symbol('SandboxChoice');

/** The configured kind of sandbox does not exist, or does not work here. */
export class SandboxUnavailableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SandboxUnavailableError';
  }
}

/**
 * Creates the deployment's sandbox: of the kind that it names, or with `auto` of the first kind that works here.
 *
 * @throws SandboxUnavailableError if the configured kind does not exist or does not work
 */
export async function chooseSandbox(options: SandboxOptions, kinds: SandboxKinds): Promise<SandboxChoice> {
  const { kind: wanted = DEFAULT_KIND } = options;
  const names = Object.keys(kinds);
  if (wanted !== 'auto' && !names.includes(wanted)) {
    throw new SandboxUnavailableError(`there is no sandbox ${wanted}, only ${names.join(', ')}`);
  }
  const problems: Record<string, string> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    if (wanted !== 'auto' && name !== wanted) continue;
    const problem = await kind.findProblem?.(options);
    if (problem === undefined) return { name, sandbox: kind.create(options), problems };
    problems[name] = problem;
  }
  const reasons = Object.entries(problems).map(([name, problem]) => `${name}: ${problem}`);
  throw new SandboxUnavailableError(`CHIRON_SANDBOX=${wanted} does not work here. ${reasons.join(' ')}`);
}

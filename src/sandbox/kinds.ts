import { LocalSandbox } from './local/local.sandbox.js';
import type { Sandbox, SandboxOptions } from './sandbox.js';

/** Constructor of a kind of sandbox. */
export type SandboxKind = new (options: SandboxOptions) => Sandbox;

/** Every kind of sandbox by its name. To add one, add its folder and an entry here; the contract spec covers all entries. */
export const SANDBOXES: Readonly<Record<string, SandboxKind>> = { local: LocalSandbox };

/** Injection token of the kinds, for a program that adds its own. */
export const SANDBOX_KINDS = Symbol('SANDBOX_KINDS');

/** The kind for a deployment that configures none. */
const DEFAULT_KIND = 'local';

/**
 * Creates the deployment's sandbox.
 *
 * @throws if the configured kind does not exist
 */
export function createSandbox(options: SandboxOptions, kinds: Readonly<Record<string, SandboxKind>>): Sandbox {
  const name = options.kind ?? DEFAULT_KIND;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) throw new Error(`there is no sandbox ${name}, only ${Object.keys(kinds).join(', ')}`);
  return new kind(options);
}

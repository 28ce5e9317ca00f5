import { LocalSandbox } from './local/local.sandbox.js';
import type { Sandbox, SandboxOptions } from './sandbox.js';

/** A kind of sandbox: how the deployment's one is made. */
export type SandboxKind = new (options: SandboxOptions) => Sandbox;

/** Every kind of sandbox by its name. A new one is a folder, a line here, and nothing else: the contract spec runs over this list. */
export const SANDBOXES: Readonly<Record<string, SandboxKind>> = { local: LocalSandbox };

/** Injection token of the kinds, for a program that brings one of its own. */
export const SANDBOX_KINDS = Symbol('SANDBOX_KINDS');

/** The kind of a deployment that names none. */
const DEFAULT_KIND = 'local';

/**
 * Makes the deployment's sandbox.
 *
 * @throws when there is no such kind
 */
export function createSandbox(options: SandboxOptions, kinds: Readonly<Record<string, SandboxKind>>): Sandbox {
  const name = options.kind ?? DEFAULT_KIND;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) throw new Error(`there is no sandbox ${name}, only ${Object.keys(kinds).join(', ')}`);
  return new kind(options);
}

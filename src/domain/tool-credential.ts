import type { HostRule } from './host-rule.ts';

/** Where agents may connect to: nowhere, to listed hosts, or to every public address. */
export const NETWORK_POLICIES = ['none', 'allowlist', 'open'] as const;

/** One of `NETWORK_POLICIES`. */
export type NetworkPolicy = (typeof NETWORK_POLICIES)[number];

/** A secret: its value, or an absolute path of a file, which is read anew for each use so that it can be rotated. Never log a value. */
export type CredentialSecret =
  { readonly kind: 'value'; readonly value: string } | { readonly kind: 'file'; readonly path: string };

/** How a credential is put into a request. */
export type CredentialForm =
  | { readonly kind: 'bearer'; readonly secret: CredentialSecret }
  | { readonly kind: 'basic'; readonly user: string; readonly secret: CredentialSecret }
  | { readonly kind: 'header'; readonly name: string; readonly secret: CredentialSecret };

/** A credential of the deployment that requests of agents' tools get on their way out, so that no agent holds it. */
export interface ToolCredential {
  /** The https hosts, with exactly one port. */
  readonly host: HostRule;
  readonly form: CredentialForm;
  /** Beginnings of the paths that get it; empty for all. */
  readonly paths: readonly string[];
  /** The methods that get it, in upper case; empty for all. */
  readonly methods: readonly string[];
}

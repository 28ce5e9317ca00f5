import type { ToolBlockForm } from '../tool-block-form.js';

/**
 * What the requests of a tenant or a key may do, and how much. A field that is absent restricts nothing. The names are those of the admin
 * API, which are those of the stored JSON.
 */
export interface Policy {
  /** Harnesses whose agents may run. */
  readonly harnesses?: readonly string[];
  /** Patterns of the models that agents may run; see {@link modelOf}. */
  readonly models?: readonly string[];
  /** The forms in which the tools that the agent ran may be shown. */
  readonly tool_blocks?: readonly ToolBlockForm[];
  /** Whether agents may be given tools of the caller. */
  readonly caller_tools?: boolean;
  /** Whether requests may have a system prompt for the agent. */
  readonly caller_system?: boolean;
  /** Beginnings of the keys of threads that may be named. */
  readonly thread_key_prefixes?: readonly string[];
  /** The folder of `CHIRON_WORKSPACE_TEMPLATES` from which the workspaces of new threads are made. */
  readonly workspace_template?: string;
  /** What agents may reach of the hosts that the deployment allows, in the form of `CHIRON_SANDBOX_ALLOWED_HOSTS`; empty for none. */
  readonly sandbox_hosts?: readonly string[];
  /** How many turns may run or wait at the same time. */
  readonly concurrent_turns?: number;
  readonly requests_per_minute?: number;
  /** Of all kinds together, in a day of UTC. */
  readonly tokens_per_day?: number;
  /** US dollars in a month of UTC, by the cost of the turns that have ended. */
  readonly usd_per_month?: number;
}

/** The limits of a policy on how much its callers may do. */
export type LimitName = 'concurrent_turns' | 'requests_per_minute' | 'tokens_per_day' | 'usd_per_month';

/** Whom a policy binds: a tenant with all its keys, or a key. */
export type PolicySubject =
  { readonly kind: 'tenant'; readonly tenant: string } | { readonly kind: 'key'; readonly keyId: string };

/** A policy that binds a caller. */
export interface AppliedPolicy {
  readonly subject: PolicySubject;
  readonly policy: Policy;
}

/** All policies that bind a caller, which has to satisfy each: that of its key first, so that a key at its limit takes nothing from its tenant. */
export type AppliedPolicies = readonly AppliedPolicy[];

/** How messages to callers name whom a policy binds. */
export function describeSubject({ kind }: PolicySubject): string {
  return kind === 'key' ? 'this key' : 'this tenant';
}

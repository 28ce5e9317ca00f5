import type { BrokerAccess } from './broker.service.js';
import type { Upstream } from './protocol.js';

/** What a deployment has set for its agents. */
export interface ProviderFacts {
  /** The variables that are passed on to the agents of the provider's harness. */
  readonly variables: Readonly<Record<string, string>>;
  /** A file of the templates, by its path in a thread; `undefined` if there is none. */
  readonly templateText: (path: string) => Promise<string | undefined>;
  /** Where that file is on the machine: an absolute path; `undefined` without a template. */
  readonly templateFile: (path: string) => string | undefined;
}

/** What the broker needs to know of the API of a harness's model provider. */
export interface ModelProvider {
  /** The harness whose variables it needs besides those of all agents; absent for none. */
  readonly harness?: string;
  /** The API and the deployment's credential for it; `undefined` if there is none that the broker can use. */
  toUpstream(facts: ProviderFacts): Promise<Upstream | undefined>;
  /** Files with credentials, by their paths in a thread. Threads do not get those of the templates while the broker serves the API. */
  readonly credentialFiles: readonly string[];
  /** Replaces the address and the credentials in the variables of any thread by the broker's. */
  mask(
    variables: Readonly<Record<string, string>>,
    access: BrokerAccess,
    upstream: Upstream,
  ): Readonly<Record<string, string>>;
  /** The variables by which a thread of its own harness asks the broker; absent where those of all threads do. */
  address?(access: BrokerAccess, upstream: Upstream): Readonly<Record<string, string>>;
}

/** The model providers of all harnesses. */
export type ModelProviders = readonly ModelProvider[];

/** Injection token of the model providers. */
export const ModelProviders = Symbol('ModelProviders');

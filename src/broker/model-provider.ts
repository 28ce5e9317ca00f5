import type { BrokerAccess } from './broker.service.js';
import type { Upstream } from './protocol.js';

/** What the broker needs to know of the API of a harness's model provider. */
export interface ModelProvider {
  /** The API and the deployment's credential for it, from the variables for agents; `undefined` if they have none that the broker can use. */
  toUpstream(variables: Readonly<Record<string, string>>): Upstream | undefined;
  /** Replaces the address and the credentials in the variables of a thread by the broker's; unchanged if there is no upstream. */
  mask(variables: Readonly<Record<string, string>>, access: BrokerAccess): Readonly<Record<string, string>>;
}

/** The model providers of all harnesses. */
export type ModelProviders = readonly ModelProvider[];

/** Injection token of the model providers. */
export const ModelProviders = Symbol('ModelProviders');

import { fetchKeys } from '../../auth/oidc/provider-keys.js';
import type { AppConfig } from '../../config/app-config.js';
import { describeError } from '../../storage/database/database.js';
import { type Finding, ok, warning } from './finding.js';

/** How long an address may take to answer. */
const ANSWER_MS = 5000;

/** An address that agents of a harness, or the broker for them, ask. */
export interface ModelAddress {
  readonly displayName: string;
  readonly baseUrl: string;
}

/** Asks the model providers and the identity provider for a sign of life, without any credential. */
export async function checkNetwork(
  { oidcIssuer }: AppConfig,
  addresses: readonly ModelAddress[],
): Promise<readonly Finding[]> {
  const identity = oidcIssuer === undefined ? [] : [checkIdentityProvider(oidcIssuer)];
  return Promise.all([...addresses.map(checkModelProvider), ...identity]);
}

async function checkModelProvider({ displayName, baseUrl }: ModelAddress): Promise<Finding> {
  const { host } = new URL(baseUrl);
  try {
    // Any answer will do, as one without a credential is a refusal.
    const response = await fetch(baseUrl, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return ok('network', `The model provider of ${displayName} answers at ${host}.`);
  } catch (error) {
    const remedy = 'Look at the network, its proxy (HTTPS_PROXY) and the address of the provider.';
    return warning(
      'network',
      `The model provider of ${displayName} does not answer at ${host}: ${toReason(error)}.`,
      remedy,
    );
  }
}

async function checkIdentityProvider(issuer: string): Promise<Finding> {
  try {
    const keys = await fetchKeys(issuer);
    return ok('network', `The identity provider ${issuer} answers; its keys: ${keys.length}.`);
  } catch (error) {
    const remedy = 'Until it answers, tokens get a 503. Look at the network and at CHIRON_OIDC_ISSUER.';
    return warning('network', `The identity provider ${issuer} gives no keys: ${toReason(error)}.`, remedy);
  }
}

/** `fetch` hides the reason in the cause. */
function toReason(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? describeError(error.cause) : describeError(error);
}

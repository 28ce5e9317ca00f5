import { createLocalJWKSet, errors, type JWTVerifyGetKey, type LocalJWKSet } from 'jose';
import type { JsonObject } from '../../domain/harness-event.js';
import { asString, parseObject } from '../../domain/json.js';

/** After how long keys are fetched again, so that withdrawn ones are noticed. Nobody waits for it. */
const REFRESH_MS = 600_000;
/** How often tokens with unknown keys may cause a fetch: anybody can send such tokens. */
const MISS_INTERVAL_MS = 10_000;
/** How long a failure stands, so that not every token waits for a provider that is away. */
const FAILURE_MS = 5000;
/** How long one answer of the provider may take. */
const FETCH_MS = 5000;

/** The identity provider did not give its keys. The message says why, for operators. */
export class KeysUnavailableError extends Error {}

/**
 * The keys with which an identity provider signs, fetched when the first token comes and cached. Once they are known, tokens are checked
 * whether the provider answers or not.
 */
export class ProviderKeys {
  #keys: LocalJWKSet | undefined;
  #loading: Promise<LocalJWKSet> | undefined;
  #failure: KeysUnavailableError | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #missedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param issuer as in tokens and in the provider's discovery document.
   * @param onFailure is told of each fetch that failed.
   * @param now milliseconds since any fixed time.
   */
  constructor(
    private readonly issuer: string,
    private readonly onFailure: (reason: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Finds the key of a token. A key that is not known is looked for at the provider, as that may have a new one.
   *
   * @throws KeysUnavailableError, or a JOSEError when there is no such key.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const known = this.#keys;
    if (known === undefined) return (await this.load())(header, token);
    if (this.now() - this.#triedAt > REFRESH_MS) this.refresh();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.now() - this.#missedAt < MISS_INTERVAL_MS) throw error;
      this.#missedAt = this.now();
      return (await this.load())(header, token);
    }
  };

  /** Keys that cannot be fetched leave those that are known. */
  private refresh(): void {
    this.load().catch(() => undefined); // `load` has told of the failure.
  }

  private load(): Promise<LocalJWKSet> {
    if (this.#failure !== undefined && this.now() - this.#triedAt < FAILURE_MS) return Promise.reject(this.#failure);
    this.#loading ??= this.fetchAll().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  private async fetchAll(): Promise<LocalJWKSet> {
    this.#triedAt = this.now();
    try {
      this.#keys = createLocalJWKSet({ keys: await fetchKeys(this.issuer) });
      this.#failure = undefined;
      return this.#keys;
    } catch (error) {
      this.#failure = new KeysUnavailableError(describeFailure(error), { cause: error });
      this.onFailure(this.#failure.message);
      throw this.#failure;
    }
  }
}

/**
 * The provider's current keys, by its discovery document. [OpenID Connect Discovery 1.0, 4]
 *
 * @throws Error when it does not answer within a few seconds, or not with keys.
 */
export async function fetchKeys(issuer: string): Promise<JsonObject[]> {
  const document = await fetchObject(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  // Section 4.3: otherwise one issuer could speak for another.
  if (document['issuer'] !== issuer) throw new Error('the provider names another issuer in its discovery document');
  const address = URL.parse(asString(document['jwks_uri']) ?? '');
  if (address === null || (address.protocol !== 'https:' && issuer.startsWith('https:'))) {
    throw new Error('the discovery document has no usable jwks_uri');
  }
  const { keys } = await fetchObject(address.href);
  if (!Array.isArray(keys)) throw new Error('the provider has no key set');
  return keys.filter((key) => typeof key === 'object' && key !== null && !Array.isArray(key));
}

async function fetchObject(url: string): Promise<JsonObject> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_MS) });
  const value = parseObject(await response.text());
  if (!response.ok) throw new Error(`the provider answers ${new URL(url).pathname} with ${response.status}`);
  if (value === undefined) throw new Error(`the provider answers ${new URL(url).pathname} without a JSON object`);
  return value;
}

/** `fetch` hides the reason in the cause. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

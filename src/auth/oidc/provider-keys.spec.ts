import { decodeProtectedHeader, errors } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { type IdentityProvider, startIdentityProvider } from '../../../test/support/identity-provider.js';
import { fetchKeys, KeysUnavailableError, ProviderKeys } from './provider-keys.js';

const MINUTE_MS = 60_000;

let provider: IdentityProvider;
let keys: ProviderKeys;
let now: number;
let failures: string[];

beforeEach(async () => {
  provider = await startIdentityProvider({ client: {} });
  now = 0;
  failures = [];
  keys = new ProviderKeys(
    provider.issuer,
    (reason) => failures.push(reason),
    () => now,
  );
});

afterEach(() => provider.close());

async function findKeyOf(token: string): Promise<unknown> {
  const { alg = '', kid = '' } = decodeProtectedHeader(token);
  return keys.find({ alg, kid }, { payload: '', signature: '' });
}

describe('the keys of an identity provider', () => {
  it('lose one that the provider has withdrawn, within minutes', async () => {
    const token = await provider.token('client');
    await findKeyOf(token);
    await provider.rotate();
    now += 9 * MINUTE_MS;
    await findKeyOf(token);
    now += 2 * MINUTE_MS;
    await findKeyOf(token);
    await eventually(() => findKeyOf(token).then(String, String)).toContain('no applicable key');
    expect(provider.keyRequests()).toBeGreaterThan(1);
  });

  it('stay known while the provider is away', async () => {
    const token = await provider.token('client');
    await findKeyOf(token);
    await provider.goAway();
    for (let hour = 0; hour < 24; hour += 1) {
      now += 60 * MINUTE_MS;
      await findKeyOf(token);
    }
    await eventually(() => failures.length > 0).toBe(true);
    await provider.comeBack();
  });

  it('are asked for again a few seconds after a failure, and not before', async () => {
    const token = await provider.token('client');
    await provider.goAway();
    await expect(findKeyOf(token)).rejects.toThrow(KeysUnavailableError);
    await provider.comeBack();
    await expect(findKeyOf(token)).rejects.toThrow(KeysUnavailableError);
    now += 6000;
    await findKeyOf(token);
    expect(failures).toEqual([expect.stringContaining('ECONNREFUSED')]);
  });

  it('are fetched once for tokens that come together', async () => {
    const token = await provider.token('client');
    await Promise.all(Array.from({ length: 10 }, () => findKeyOf(token)));
    expect(provider.keyRequests()).toBe(1);
  });

  it('do not have a key that nobody published', async () => {
    const forged = await provider.sign({}, { kid: 'forged' });
    await expect(findKeyOf(forged)).rejects.toThrow(errors.JWKSNoMatchingKey);
  });
});

it('A document that names another issuer gives no keys', async () => {
  const other = provider.issuer.replace('127.0.0.1', 'localhost');
  await expect(fetchKeys(other)).rejects.toThrow('another issuer');
  await expect(fetchKeys(`${provider.issuer}/nothing`)).rejects.toThrow('with 404');
});

import { createHash } from 'node:crypto';
import type { Parsed } from './setting.js';

/** A valid API key. Only its digest is kept. */
export interface ApiKey {
  /** Name of the key, which is the tenant of its threads. */
  readonly name: string;
  readonly sha256: Buffer;
}

/** The names that a tenant may have. */
export const TENANT_NAME = /^[\w.-]+$/;

/** Longest name of a tenant or a key. */
export const MAX_NAME_LENGTH = 100;

/** Whether a text can be the name of a tenant. */
export function isTenantName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && TENANT_NAME.test(text);
}

/** Whether the settings alone say who may call: requests then need a key or a token. */
export function namesCallers({
  apiKeys,
  oidcIssuer,
}: {
  readonly apiKeys: readonly ApiKey[];
  readonly oidcIssuer: string | undefined;
}): boolean {
  return apiKeys.length > 0 || oidcIssuer !== undefined;
}

/** 24 random characters cannot be guessed over any network. */
const MIN_KEY_LENGTH = 24;

/** Parses a comma-separated list of `name:key`; an absent list has no keys. */
export function parseApiKeys(text: string | undefined): Parsed<readonly ApiKey[]> {
  if (text === undefined) return { value: [] };
  if (!/^[\w.-]+:[^\s,]+(,[\w.-]+:[^\s,]+)*$/.test(text)) {
    return { expected: 'must be a comma-separated list of name:key' };
  }
  const keys = text.split(',').map((entry) => {
    const colon = entry.indexOf(':');
    return { name: entry.slice(0, colon), key: entry.slice(colon + 1) };
  });
  const tooShort = keys.filter(({ key }) => key.length < MIN_KEY_LENGTH).map(({ name }) => name);
  if (tooShort.length > 0) {
    const expected = `must have keys of at least ${MIN_KEY_LENGTH} characters (openssl rand -hex 32)`;
    return { expected: `${expected}, unlike that of ${tooShort.join(', ')}` };
  }
  if (new Set(keys.map(({ name }) => name)).size !== keys.length) {
    return { expected: 'must not repeat a name: names are tenants' };
  }
  return { value: keys.map(({ name, key }) => ({ name, sha256: createHash('sha256').update(key).digest() })) };
}

/** Parses the key that reads the metrics. */
export function parseMetricsKey(text: string | undefined): Parsed<string | undefined> {
  return text === undefined || text.length >= MIN_KEY_LENGTH
    ? { value: text }
    : { expected: `must have at least ${MIN_KEY_LENGTH} characters (openssl rand -hex 32)` };
}

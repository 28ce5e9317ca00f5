import { createHash } from 'node:crypto';
import type { Parsed } from './setting.js';

/** A key that callers may use. The key itself is not kept. */
export interface ApiKey {
  /** Its name, which is the tenant that its threads belong to. */
  readonly name: string;
  readonly sha256: Buffer;
}

/** Shortest key, in characters: 24 random ones cannot be guessed over a network, however fast. */
const MIN_KEY_LENGTH = 24;

/** The keys in a comma-separated list of `name:key`; none for no list. */
export function parseApiKeys(text: string | undefined): Parsed<readonly ApiKey[]> {
  if (text === undefined) return { value: [] };
  if (!/^[\w.-]+:[^\s,]+(,[\w.-]+:[^\s,]+)*$/.test(text)) {
    return { expected: 'must be a comma-separated list of name:key' };
  }
  const keys = text.split(',').map((entry) => {
    const colon = entry.indexOf(':');
    return { name: entry.slice(0, colon), key: entry.slice(colon + 1) };
  });
  const short = keys.filter(({ key }) => key.length < MIN_KEY_LENGTH).map(({ name }) => name);
  if (short.length > 0) {
    const needed = `must have keys of at least ${MIN_KEY_LENGTH} characters (openssl rand -hex 32)`;
    return { expected: `${needed}, unlike that of ${short.join(', ')}` };
  }
  if (new Set(keys.map(({ name }) => name)).size !== keys.length) {
    return { expected: 'must not repeat a name: names are tenants' };
  }
  return { value: keys.map(({ name, key }) => ({ name, sha256: createHash('sha256').update(key).digest() })) };
}

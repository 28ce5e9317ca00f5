import { createHash, randomBytes } from 'node:crypto';

/** By the prefix, scanners for secrets find a key that was pushed somewhere. */
const PREFIX = 'chiron_';

/** 256 bits: as many as the digest has, and beyond guessing. */
const KEY_BYTES = 32;

const KEY_PATTERN = /^chiron_[\w-]{43}$/;

/** Makes a new key. */
export function createKeySecret(): string {
  return `${PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`;
}

/** Whether a text can be a key of the store: anything else need not be looked up. */
export function isKeySecret(text: string): boolean {
  return KEY_PATTERN.test(text);
}

/** The SHA-256 of a key. Random keys need no slow hash: nobody can try 2^256 of them. */
export function hashKeySecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

import { createHash } from 'node:crypto';

/** Hashes a caller's own id of its user: it may be a name or an address, which should not be readable in the store. */
export function hashUser(id: unknown): string | undefined {
  return typeof id === 'string' && id !== '' ? createHash('sha256').update(id).digest('hex').slice(0, 32) : undefined;
}

import { randomUUID } from 'node:crypto';

/**
 * 24 random hexadecimal digits, for an id that nobody can guess. Node takes the bytes of UUIDs from a supply; `randomBytes` asks the system for each
 * id, which takes twenty microseconds.
 */
export function createRandomDigits(): string {
  const uuid = randomUUID();
  // Without its third and fourth group: they have the digits that say which kind of UUID it is.
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(24);
}

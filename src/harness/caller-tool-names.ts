import { createHash } from 'node:crypto';

const HASH_LENGTH = 8;

/** The limits of an agent's protocol on the names of tools. */
export interface CarriedNameRules {
  /** Maximum length in characters; at least 16. */
  readonly maxLength: number;
  /** Whether the agent or the protocol reserves this name. */
  readonly isReserved?: (name: string) => boolean;
}

/**
 * Returns the name under which an agent knows a caller's tool. Agents' protocols allow letters, digits, `_` and `-`; a name that they
 * allow stays as it is. Any other name, also one that is too long or reserved, is sanitized and gets a hash of the original: it stays
 * unique, and is the same in every request, whatever other tools the request has, so that an agent's record keeps its meaning.
 */
export function toCarriedName(name: string, { maxLength, isReserved }: CarriedNameRules): string {
  const isAllowed = /^[a-zA-Z0-9_-]+$/.test(name) && name.length <= maxLength && isReserved?.(name) !== true;
  // A name that looks like one of ours could be that of another tool.
  if (isAllowed && !/_[0-9a-f]{8}$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
  const readable = name.replaceAll(/[^a-zA-Z0-9_-]+/g, '_').slice(0, maxLength - HASH_LENGTH - 1);
  return `${readable}_${hash}`;
}

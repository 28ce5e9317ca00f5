import type { Principal } from '../auth/principal.js';

/**
 * Who the audit log names for a request: the id of its key, or the subject of its token, with a prefix so that no subject is taken for a key
 * or the command line. Throws for a caller without either, whom `AdminGuard` lets nowhere.
 */
export function readActor({ keyId, subject }: Principal): string {
  if (keyId !== undefined) return keyId;
  if (subject !== undefined) return `oidc:${subject}`;
  throw new Error('unreachable: only keys of the store and tokens are of admins');
}

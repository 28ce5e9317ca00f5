import type { Principal } from './principal.js';

/**
 * Who the audit log names for a request: the id of its key, or the subject of its token or the name of its key in the settings, each with a
 * prefix, so that none is taken for another or for the command line.
 */
export function readActor({ tenant, keyId, subject }: Principal): string {
  if (keyId !== undefined) return keyId;
  return subject === undefined ? `settings:${tenant}` : `oidc:${subject}`;
}

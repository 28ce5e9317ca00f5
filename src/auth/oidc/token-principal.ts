import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { isTenantName, MAX_NAME_LENGTH } from '../../config/api-keys.js';
import type { ClaimValue, OidcSettings } from '../../config/oidc-settings.js';
import { ServiceError } from '../../domain/service-error.js';
import type { Principal } from '../principal.js';

/** What OpenID Connect allows a subject to be: at most 255 ASCII characters; here none that are invisible. [Core 1.0, 2] */
const SUBJECT = /^[\x21-\x7e]{1,255}$/;

/**
 * Whom a token that was checked belongs to.
 *
 * @throws ServiceError (`forbidden`) when it names no tenant.
 */
export function toPrincipal(
  claims: JWTPayload,
  { oidcTenantClaim: claim, oidcAdminClaim }: Pick<OidcSettings, 'oidcTenantClaim' | 'oidcAdminClaim'>,
): Principal {
  const tenant = claims[claim];
  if (typeof tenant !== 'string' || !isTenantName(tenant)) {
    const problem =
      tenant === undefined
        ? `the token has no claim ${claim}`
        : `the claim ${claim} of the token is no name of a tenant: one text of letters, digits, dots, hyphens and underscores, at most ${MAX_NAME_LENGTH}`;
    throw new ServiceError('forbidden', `${problem}. Tokens need it to have threads.`);
  }
  const isAdmin = oidcAdminClaim !== undefined && hasClaim(claims, oidcAdminClaim);
  return {
    tenant,
    role: isAdmin ? 'admin' : 'user',
    keyId: undefined,
    subject: toSubject(claims.sub ?? ''),
    policies: undefined,
  };
}

/** Whether the claim is the value, or a list that has it. */
function hasClaim(claims: JWTPayload, { claim, value }: ClaimValue): boolean {
  const found = claims[claim];
  return found === value || (Array.isArray(found) && found.includes(value));
}

/**
 * The subject as logs show it. One that breaks the rules is replaced by its digest: cut or with replaced characters, two callers could have
 * the same.
 */
function toSubject(subject: string): string {
  return SUBJECT.test(subject) ? subject : `sha256-${createHash('sha256').update(subject).digest('hex')}`;
}

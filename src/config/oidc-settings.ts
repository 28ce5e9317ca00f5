import { isLoopback } from './loopback.js';
import type { Parsed } from './setting.js';

/** A claim of a token, and the value that it must have or contain. */
export interface ClaimValue {
  readonly claim: string;
  readonly value: string;
}

/** The settings of the identity provider whose tokens are accepted. */
export interface OidcSettings {
  /** `undefined`: no tokens are accepted. */
  readonly oidcIssuer: string | undefined;
  readonly oidcAudience: string | undefined;
  readonly oidcTenantClaim: string;
  readonly oidcAdminClaim: ClaimValue | undefined;
}

/**
 * Parses the issuer. It is kept as it was written: tokens and the provider's own document must have the same text, with or without a
 * slash at its end. Keys that come over plain HTTP could be anybody's, so that it is for this machine only.
 */
export function parseIssuer(text: string | undefined): Parsed<string | undefined> {
  if (text === undefined) return { value: undefined };
  const url = URL.parse(text);
  const isUsable =
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '';
  return isUsable
    ? { value: text }
    : { expected: 'must be the https:// URL of an issuer, without a query (http:// on a loopback address only)' };
}

/** Parses `claim=value`. Names of claims may have colons and slashes, as those with a namespace do. */
export function parseClaimValue(text: string | undefined): Parsed<ClaimValue | undefined> {
  if (text === undefined) return { value: undefined };
  const [, claim, value] = /^([^\s=]+)=(\S.*)$/.exec(text) ?? [];
  return claim === undefined || value === undefined
    ? { expected: 'must be a claim and its value: groups=chiron-admins' }
    : { value: { claim, value } };
}

/** Adds the settings that lack another one to `problems`. */
export function checkOidc(
  { oidcIssuer, oidcAudience, oidcAdminClaim }: OidcSettings,
  problems: Map<string, string>,
): void {
  if (oidcIssuer === undefined) {
    const without = 'has no effect without CHIRON_OIDC_ISSUER';
    if (oidcAudience !== undefined) problems.set('CHIRON_OIDC_AUDIENCE', without);
    if (oidcAdminClaim !== undefined) problems.set('CHIRON_OIDC_ADMIN_CLAIM', without);
  } else if (oidcAudience === undefined) {
    const why = 'otherwise, tokens that the provider issued for any other service would be accepted';
    problems.set('CHIRON_OIDC_AUDIENCE', `is required with CHIRON_OIDC_ISSUER: ${why}`);
  }
}

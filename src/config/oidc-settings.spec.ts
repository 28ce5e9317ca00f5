import { describe, expect, it } from 'vitest';
import { readConfig } from './app-config.js';
import { ConfigurationError } from './configuration-error.js';
import type { Variables } from './setting.js';

const OIDC = { CHIRON_OIDC_ISSUER: 'https://login.example.com/realms/main', CHIRON_OIDC_AUDIENCE: 'chiron' };

function problemsOf(variables: Variables): readonly string[] {
  try {
    readConfig(variables);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [...error.problems.keys()];
  }
}

describe('the settings of an identity provider', () => {
  it('keep the issuer as it is written, as tokens must have the same text', () => {
    const { oidcIssuer, oidcTenantClaim, oidcAdminClaim } = readConfig({
      ...OIDC,
      CHIRON_OIDC_ISSUER: 'https://login.example.com/',
    });
    expect({ oidcIssuer, oidcTenantClaim, oidcAdminClaim }).toEqual({
      oidcIssuer: 'https://login.example.com/',
      oidcTenantClaim: 'tenant',
      oidcAdminClaim: undefined,
    });
  });

  it.each(['http://127.0.0.1:3000', 'http://[::1]:3000', 'http://localhost/realms/main'])(
    'may name the issuer %s on this machine',
    (issuer) => {
      expect(problemsOf({ ...OIDC, CHIRON_OIDC_ISSUER: issuer })).toEqual([]);
    },
  );

  it.each([
    'http://login.example.com',
    'login.example.com',
    'ftp://login.example.com',
    'https://user@login.example.com',
    'https://login.example.com?a',
    'https://login.example.com#a',
  ])('may not name the issuer %s', (issuer) => {
    expect(problemsOf({ ...OIDC, CHIRON_OIDC_ISSUER: issuer })).toEqual(['CHIRON_OIDC_ISSUER']);
  });

  it('need an audience, so that tokens for other services are refused', () => {
    expect(problemsOf({ CHIRON_OIDC_ISSUER: OIDC.CHIRON_OIDC_ISSUER })).toEqual(['CHIRON_OIDC_AUDIENCE']);
  });

  it('have no effect without an issuer, and say so', () => {
    expect(problemsOf({ CHIRON_OIDC_AUDIENCE: 'chiron', CHIRON_OIDC_ADMIN_CLAIM: 'groups=admins' })).toEqual([
      'CHIRON_OIDC_AUDIENCE',
      'CHIRON_OIDC_ADMIN_CLAIM',
    ]);
  });

  it.each([
    ['groups=chiron-admins', { claim: 'groups', value: 'chiron-admins' }],
    ['https://example.com/roles=chiron admins=all', { claim: 'https://example.com/roles', value: 'chiron admins=all' }],
  ])('read %s as a claim and its value', (text, expected) => {
    expect(readConfig({ ...OIDC, CHIRON_OIDC_ADMIN_CLAIM: text }).oidcAdminClaim).toEqual(expected);
  });

  it.each(['groups', 'groups=', '=admins', 'groups:admins'])('refuse the admin claim %s', (text) => {
    expect(problemsOf({ ...OIDC, CHIRON_OIDC_ADMIN_CLAIM: text })).toEqual(['CHIRON_OIDC_ADMIN_CLAIM']);
  });
});

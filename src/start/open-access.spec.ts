import { expect, it } from 'vitest';
import { readConfig } from '../config/app-config.js';
import { assertClosedToOthers } from './open-access.js';

const KEY = 'k'.repeat(32);

const check =
  (variables: Readonly<Record<string, string>>, hasStoredKeys = false) =>
  () =>
    assertClosedToOthers(readConfig(variables), hasStoredKeys);

it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('A server may listen on %s without keys', (HOST) => {
  expect(check({ HOST })).not.toThrow();
});

it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com', '128.0.0.1', '127.999.1.1', '127.0.0'])(
  'A server may not listen on %s without a key in its settings or its store',
  (HOST) => {
    expect(check({ HOST })).toThrow(/CHIRON_API_KEYS: is required/);
    expect(check({ HOST, CHIRON_API_KEYS: `a:${KEY}` })).not.toThrow();
    expect(check({ HOST }, true)).not.toThrow();
    const oidc = { CHIRON_OIDC_ISSUER: 'https://login.example.com', CHIRON_OIDC_AUDIENCE: 'chiron' };
    expect(check({ HOST, ...oidc })).not.toThrow();
  },
);

it('A server without keys may not be called by every web page', () => {
  expect(check({ CHIRON_CORS_ORIGINS: '*' })).toThrow(/CHIRON_CORS_ORIGINS: must list origins/);
  expect(check({ CHIRON_CORS_ORIGINS: 'https://app.example' })).not.toThrow();
  expect(check({ CHIRON_CORS_ORIGINS: '*' }, true)).not.toThrow();
});

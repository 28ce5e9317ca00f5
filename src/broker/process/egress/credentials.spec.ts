import { describe, expect, it } from 'vitest';
import type { ToolCredential } from '../../../domain/tool-credential.js';
import { findCredential, readCredentialHeader } from './credentials.js';

const TARGET = { kind: 'name', host: 'git.corp', port: 443 } as const;
const secret = { kind: 'value', value: 'x' } as const;

function credential(rest: Partial<ToolCredential>): ToolCredential {
  const host = { kind: 'subdomains', host: 'corp', ports: [443] } as const;
  return { host, form: { kind: 'bearer', secret }, paths: [], methods: [], ...rest };
}

describe(findCredential.name, () => {
  const [forOrg, forAll] = [credential({ paths: ['/org', '/api/'] }), credential({})];
  const find = (path: string, credentials = [forOrg]) => findCredential(credentials, TARGET, { method: 'GET', path });

  it('takes the first one for host, port, method and path', () => {
    expect(find('/org/a', [forOrg, forAll])).toBe(forOrg);
    expect(find('/other', [forOrg, forAll])).toBe(forAll);
    expect(findCredential([forAll], { ...TARGET, port: 8443 }, { method: 'GET', path: '/' })).toBeUndefined();
    expect(findCredential([forAll], { ...TARGET, host: 'corp' }, { method: 'GET', path: '/' })).toBeUndefined();
    const reading = credential({ methods: ['GET', 'HEAD'] });
    expect(findCredential([reading], TARGET, { method: 'POST', path: '/' })).toBeUndefined();
  });

  it.each(['/org', '/org?x', '/org/', '/org/a%2Fb', '/org/a..b', '/api/x'])(
    'finds the one for a part of the host in %s',
    (path) => {
      expect(find(path)).toBe(forOrg);
    },
  );

  it.each([
    '/',
    '/organization',
    '/api',
    '//org/a',
    '/x?/org/',
    '/org/../x',
    '/org/..',
    '/org/%2e%2E/x',
    '/org/.%2e/x',
    '/org/..%2fx',
    '/org/%252e%252e/x',
    '/org/..\\x',
    '/org/..%5Cx',
    '/org/..;/x',
    '/org/..%3bv=1/x',
    '/org/./x',
  ])('finds none for a part of the host in %s', (path) => {
    expect(find(path)).toBeUndefined();
  });
});

it('A credential is sent in the form that it has', async () => {
  expect(await readCredentialHeader({ kind: 'bearer', secret })).toEqual({ authorization: 'Bearer x' });
  expect(await readCredentialHeader({ kind: 'basic', user: 'u', secret })).toEqual({ authorization: 'Basic dTp4' });
  expect(await readCredentialHeader({ kind: 'header', name: 'private-token', secret })).toEqual({
    'private-token': 'x',
  });
});

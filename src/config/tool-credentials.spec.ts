import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from './app-config.js';
import { parseCredentialsFile } from './tool-credentials.js';

const folder = mkdtempSync(join(tmpdir(), 'chiron-credentials-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'credentials.json');
const secret = join(folder, 'token');
writeFileSync(secret, 'swordfish\n');
const lines = join(folder, 'lines');
writeFileSync(lines, 'two\nlines');

function write(...credentials: readonly unknown[]): string {
  writeFileSync(file, JSON.stringify({ credentials }));
  return file;
}

function parse(...credentials: readonly unknown[]) {
  return parseCredentialsFile(write(...credentials), { TOKEN: 'hunter2' });
}

describe(parseCredentialsFile.name, () => {
  it('reads the three forms of credentials, with secrets from files and variables', () => {
    const credentials = parse(
      { host: 'git.corp', bearer: { file: secret } },
      { host: '*.corp:8443', basic: { user: 'ci', password: { env: 'TOKEN' } }, paths: ['/org/'], methods: ['GET'] },
      { host: 'gitlab.corp', header: { name: 'PRIVATE-TOKEN', value: { env: 'TOKEN' } } },
    );
    expect(credentials).toEqual({
      value: [
        {
          host: { kind: 'name', host: 'git.corp', ports: [443] },
          form: { kind: 'bearer', secret: { kind: 'file', path: secret } },
          paths: [],
          methods: [],
        },
        {
          host: { kind: 'subdomains', host: 'corp', ports: [8443] },
          form: { kind: 'basic', user: 'ci', secret: { kind: 'value', value: 'hunter2' } },
          paths: ['/org/'],
          methods: ['GET'],
        },
        {
          host: { kind: 'name', host: 'gitlab.corp', ports: [443] },
          form: { kind: 'header', name: 'private-token', secret: { kind: 'value', value: 'hunter2' } },
          paths: [],
          methods: [],
        },
      ],
    });
  });

  const bearer = { env: 'TOKEN' };
  it.each([
    ['no object', 'x', 'credentials[0] must be an object'],
    ['an unknown field', { host: 'a', bearer, pathes: [] }, 'credentials[0] has an unknown field'],
    ['no host', { bearer }, 'credentials[0].host must be a text'],
    ['every port', { host: 'a:*', bearer }, 'credentials[0].host must be a host'],
    ['no credential', { host: 'a' }, 'credentials[0] must have one of'],
    ['two credentials', { host: 'a', bearer, header: {} }, 'credentials[0] must have one of'],
    ['a secret itself', { host: 'a', bearer: 'hunter2' }, 'credentials[0].bearer must be {"file"'],
    ['an unset variable', { host: 'a', bearer: { env: 'NONE' } }, 'credentials[0].bearer.env must name'],
    ['a missing file', { host: 'a', bearer: { file: '/none' } }, 'credentials[0].bearer.file must name'],
    ['a secret of two lines', { host: 'a', bearer: { file: lines } }, 'credentials[0].bearer.file must name'],
    ['a user with a colon', { host: 'a', basic: { user: 'a:b', password: bearer } }, '.user must not contain a colon'],
    ['the header Host', { host: 'a', header: { name: 'Host', value: bearer } }, '.name must be a header'],
    ['paths that are none', { host: 'a', bearer, paths: ['org'] }, 'credentials[0].paths must be a list'],
    ['an empty list of methods', { host: 'a', bearer, methods: [] }, 'credentials[0].methods must be a list'],
  ])('says where a file with %s is wrong, without a secret', (_, credential, problem) => {
    const parsed = parse(credential);
    expect(parsed).toHaveProperty('expected', expect.stringContaining(problem));
    expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });

  it('asks for a list of credentials', () => {
    writeFileSync(file, '[]');
    expect(parseCredentialsFile(file, {})).toHaveProperty('expected', expect.stringContaining('readable JSON file'));
    expect(parseCredentialsFile('/none', {})).toHaveProperty('expected', expect.stringContaining('readable JSON file'));
  });
});

describe('The network settings together', () => {
  const start = (variables: Readonly<Record<string, string>>) => () => readConfig({ TOKEN: 'hunter2', ...variables });

  it('need hosts for an allowlist', () => {
    expect(start({ CHIRON_SANDBOX_NETWORK: 'allowlist' })).toThrow('CHIRON_SANDBOX_ALLOWED_HOSTS: is required');
  });

  it('refuse hosts and credentials that no agent could reach', () => {
    const CHIRON_CREDENTIALS_FILE = write({ host: 'git.corp', bearer: { env: 'TOKEN' } });
    const allowlist = (CHIRON_SANDBOX_ALLOWED_HOSTS: string) =>
      start({ CHIRON_SANDBOX_NETWORK: 'allowlist', CHIRON_CREDENTIALS_FILE, CHIRON_SANDBOX_ALLOWED_HOSTS });
    expect(allowlist('github.com')).toThrow('credentials[0].host is not in CHIRON_SANDBOX_ALLOWED_HOSTS');
    expect(allowlist('*.corp')).not.toThrow();
    expect(start({ CHIRON_SANDBOX_NETWORK: 'none', CHIRON_CREDENTIALS_FILE })).toThrow('has no effect');
    expect(start({ CHIRON_SANDBOX_NETWORK: 'none', CHIRON_SANDBOX_ALLOWED_HOSTS: 'a.example' })).toThrow(
      'has no effect',
    );
  });
});

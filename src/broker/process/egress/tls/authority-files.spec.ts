import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { HostContexts, makeHostCertificate } from './authority.js';
import { loadAuthority, writeCaBundle } from './authority-files.js';
import { toCaVariables } from './ca-variables.js';

const folder = mkdtempSync(join(tmpdir(), 'chiron-authority-'));
afterAll(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('The certificate authority of a deployment', () => {
  const home = join(folder, 'authority');

  it('is made at the first start, is the same at the next, and only the server can read its key', async () => {
    const made = await loadAuthority(home);
    expect(await loadAuthority(home)).toEqual(made);
    expect([modeOf(home), modeOf(join(home, 'authority.pem'))]).toEqual(['700', '600']);
    expect(new X509Certificate(made.cert).ca).toBe(true);
  });

  it('signs certificates for names and addresses', async () => {
    const authority = await loadAuthority(home);
    const issuer = new X509Certificate(authority.cert);
    const name = new X509Certificate((await makeHostCertificate(authority, { kind: 'name', host: 'git.corp' })).cert);
    expect([name.checkIssued(issuer), name.verify(issuer.publicKey), name.ca]).toEqual([true, true, false]);
    expect([name.checkHost('git.corp'), name.checkHost('x.corp')]).toEqual(['git.corp', undefined]);
    const address = new X509Certificate((await makeHostCertificate(authority, { kind: 'address', host: '::1' })).cert);
    expect(address.checkIP('::1')).toBe('::1');
  });

  it('keeps the certificates of hosts that are in use', async () => {
    const contexts = new HostContexts(await loadAuthority(home));
    const [first, again, other] = ['a', 'a', 'b'].map((host) => contexts.find({ kind: 'name', host }));
    expect(await first).toBe(await again);
    expect(await first).not.toBe(await other);
  });

  it('is not replaced when its file is damaged: agents that run would not trust the new one', async () => {
    const damaged = join(folder, 'damaged');
    await loadAuthority(damaged);
    writeFileSync(join(damaged, 'authority.pem'), 'x');
    await expect(loadAuthority(damaged)).rejects.toThrow('authority.pem is damaged. Remove it');
  });

  it('is in one file with the authorities of the machine, which everyone can read, without its key', async () => {
    const bundle = join(folder, 'bundle.pem');
    const authority = await loadAuthority(home);
    await writeCaBundle(bundle, authority);
    const text = readFileSync(bundle, 'utf8');
    expect(text).toContain(authority.cert);
    expect(text).toContain(rootCertificates[0]);
    expect(text).not.toContain('PRIVATE KEY');
    expect(modeOf(bundle)).toBe('644');
    expect(toCaVariables(bundle)).toMatchObject({ NODE_EXTRA_CA_CERTS: bundle, GIT_SSL_CAINFO: bundle });
  });
});

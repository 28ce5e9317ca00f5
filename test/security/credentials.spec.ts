import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeHostCertificate } from '../../src/broker/process/egress/tls/authority.js';
import { newFolder } from '../clients/support/folders.js';
import { ISOLATING_KINDS, reasonToSkip, removeFolders, startTarget, type Target } from './support.js';

const SECRET = 'a-token-of-the-company-61f0';

/** A host of the company over TLS, which answers nobody without its token: with a file, a git repository and an npm package. */
async function startHost(folder: string) {
  const authority = await makeAuthority();
  const caFile = join(folder, 'company-ca.pem');
  await writeFile(caFile, authority.cert);
  const refs = `${'a'.repeat(40)}\trefs/heads/main\n`;
  const files: Readonly<Record<string, string>> = {
    '/file': 'of the company',
    '/repo.git/info/refs': refs,
    '/package': JSON.stringify({
      name: 'package',
      'dist-tags': { latest: '4.5.6' },
      versions: { '4.5.6': { name: 'package', version: '4.5.6' } },
    }),
  };
  const server = createServer(
    await makeHostCertificate(authority, { kind: 'name', host: 'localhost' }),
    (request, response) => {
      const body = files[(request.url ?? '').split('?')[0] ?? ''];
      if (request.headers.authorization !== `Bearer ${SECRET}`) response.writeHead(401).end('who is that');
      else if (body === undefined) response.writeHead(404).end();
      else response.end(body);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    caFile,
    port: (server.address() as AddressInfo).port,
    close: () => (server.close(), server.closeAllConnections()),
  };
}

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, an agent’s program`, () => {
    let host: Awaited<ReturnType<typeof startHost>>;
    let target: Target;

    beforeAll(async () => {
      const folder = await newFolder('company');
      host = await startHost(folder);
      const [token, file] = [join(folder, 'token'), join(folder, 'credentials.json')];
      await writeFile(token, `${SECRET}\n`);
      await writeFile(
        file,
        JSON.stringify({ credentials: [{ host: `localhost:${host.port}`, bearer: { file: token } }] }),
      );
      target = await startTarget(kind, {
        CHIRON_SANDBOX_NETWORK: 'allowlist',
        CHIRON_SANDBOX_ALLOWED_HOSTS: `localhost:${host.port}`,
        CHIRON_CREDENTIALS_FILE: file,
        NODE_EXTRA_CA_CERTS: host.caFile,
      });
    });

    afterAll(async () => {
      await target.close();
      host.close();
      await removeFolders();
    });

    // The host of the test has a name that programs would not ask a proxy for.
    const run = (command: string) => target.run('alice', 'tools', `export NO_PROXY= no_proxy=; ${command} 2>&1`);

    it.each([
      ['curl', () => `curl -sS https://localhost:${host.port}/file`, 'of the company'],
      ['git', () => `git ls-remote https://localhost:${host.port}/repo.git`, 'refs/heads/main'],
      ['npm', () => `npm view package version --registry https://localhost:${host.port}/ --fetch-retries 0`, '4.5.6'],
      [
        'Python',
        () =>
          `python3 -c 'import urllib.request; print(urllib.request.urlopen("https://localhost:${host.port}/file").read())'`,
        'of the company',
      ],
    ])('%s has the rights of the deployment at a host of the company', async (_, command, expected) => {
      expect(await run(command())).toContain(expected);
    });

    it('finds the credential nowhere', async () => {
      const command = `env; curl -sSv https://localhost:${host.port}/file; cat "$SSL_CERT_FILE"; grep -raF '${SECRET.slice(0, -1)}' / --include='*.json' --include='token' --include='*.pem' -l`;
      const output = await run(command);
      expect(output).toContain('of the company');
      expect(output).not.toContain(SECRET);
      expect(output).not.toMatch(/PRIVATE KEY|company\/token|credentials\.json/);
    });

    it('reaches no other host', async () => {
      expect(await run('curl -sS -m 5 https://example.com/')).toMatch(/403|CHIRON_SANDBOX_ALLOWED_HOSTS/);
    });
  });
}

import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../clients/support/folders.js';
import { runChiron } from '../cli/run-chiron.js';
import { listen } from '../support/egress-proxy.js';
import { ISOLATING_KINDS, reasonToSkip, removeFolders, startTarget, type Target } from './support.js';

const METRICS_KEY = 'key-of-the-monitoring-of-the-tests';

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, an agent whose tenant has a policy`, () => {
    const host = createServer((_, response) => void response.end('of the host'));
    let port = 0;
    let target: Target;
    let dataDirectory = '';

    beforeAll(async () => {
      port = await listen(host);
      dataDirectory = await newFolder('data');
      const templates = await newFolder('templates');
      await mkdir(join(templates, 'team-a'));
      await writeFile(join(templates, 'team-a', 'AGENTS.md'), 'for team a');
      target = await startTarget(kind, {
        CHIRON_DATA_DIR: dataDirectory,
        CHIRON_METRICS_KEY: METRICS_KEY,
        CHIRON_SANDBOX_ALLOWED_HOSTS: `localhost:${port}`,
        CHIRON_WORKSPACE_TEMPLATES: templates,
      });
      await chiron('tenants', 'create', 'alice');
    });

    afterAll(async () => {
      await target.close();
      host.close();
      await removeFolders();
    });

    async function chiron(...args: readonly string[]): Promise<void> {
      const { status, stderr } = await runChiron(dataDirectory, args, { CHIRON_DATA_DIR: dataDirectory });
      expect([status, stderr]).toEqual([0, '']);
    }

    const limit = (policy: object) => chiron('tenants', 'policy', 'alice', '--set', JSON.stringify(policy));
    // The host of the test has a name that programs would not ask a proxy for.
    const fetchAs = (tenant: 'alice' | 'mallory', thread: string) =>
      target.run(tenant, thread, `export NO_PROXY= no_proxy=; curl -sS http://localhost:${port}/ 2>&1`);

    it('reaches what the policy allows, from turn to turn, and others what the deployment allows', async () => {
      expect(await fetchAs('alice', 'net')).toContain('of the host');
      await limit({ sandbox_hosts: ['other.example'] });
      expect(await fetchAs('alice', 'net')).toContain(
        `Chiron refuses localhost:${port}: the policy of this tenant does not allow it`,
      );
      expect(await fetchAs('mallory', 'net')).toContain('of the host');
      await limit({ sandbox_hosts: ['other.example', `localhost:${port}`] });
      expect(await fetchAs('alice', 'net')).toContain('of the host');
      await limit({ sandbox_hosts: [] });
      expect(await fetchAs('alice', 'new')).toContain('does not allow it');
      const headers = { authorization: `Bearer ${METRICS_KEY}` };
      const metrics = await (await fetch(`${target.server.url}/metrics`, { headers })).text();
      expect(metrics).toContain('\nchiron_sandbox_refusals_total 2\n');
    });

    it('begins with a copy of the template that the policy names', async () => {
      await limit({ workspace_template: 'team-a' });
      expect(await target.run('alice', 'from-template', 'cat AGENTS.md')).toContain('for team a');
      expect(await target.run('mallory', 'from-template', 'ls')).not.toContain('AGENTS.md');
    });
  });
}

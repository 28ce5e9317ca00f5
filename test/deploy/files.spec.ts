import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';
import { readCompose, serversOf } from './support/compose.js';
import { knownVariables, onThisMachine, parseSettings } from './support/settings.js';

// The compose files, the systemd unit and the package. No Docker and no systemd run here: their files are checked, and not started.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');

function expectSettings(variables: Readonly<Record<string, string>>): void {
  const own = Object.entries(variables).filter(([name]) => !['NODE_ENV', 'HOME'].includes(name));
  expect(own.map(([name]) => name).filter((name) => !knownVariables().has(name))).toEqual([]);
  const folder = newFolder();
  try {
    expect(() => parseSettings(onThisMachine(Object.fromEntries(own), folder))).not.toThrow();
  } finally {
    removeFolder(folder);
  }
}

describe.each(['compose.yaml', 'compose.single.yaml'])('deploy/%s', (name) => {
  const compose = readCompose(name);
  const servers = serversOf(compose);

  it('sets only what the server reads, and gives each service the secrets and volumes that it names', () => {
    expect(servers.length).toBeGreaterThan(0);
    for (const { service } of servers) {
      expectSettings(service.environment);
      const files = Object.entries(service.environment).filter(([variable]) => variable.endsWith('_FILE'));
      const named = (service.secrets ?? []).map((secret) => `/run/secrets/${secret}`);
      expect(files.map(([, path]) => path).sort()).toEqual(named.toSorted());
    }
    for (const { secrets = [], volumes = [] } of Object.values(compose.services)) {
      for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret);
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) expect(existsSync(join(DEPLOY, source)), source).toBe(true);
        else expect(compose.volumes).toHaveProperty(source);
      }
    }
  });

  it('stops a server that runs agents only after its drain', () => {
    const agents = servers.filter(({ service }) => service.environment['CHIRON_ROLE'] !== 'gateway');
    expect(agents.length).toBeGreaterThan(0);
    for (const { service } of agents)
      expect(Number.parseInt(service.stop_grace_period ?? '', 10)).toBeGreaterThanOrEqual(
        Number(service.environment['CHIRON_DRAIN_SECONDS']) + 20,
      );
  });

  it('has a read-only root and no capabilities in each server', () => {
    for (const { service } of servers) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it('names a seccomp profile that exists, and allows what a sandbox of bubblewrap is made with', () => {
    const [, file = ''] = /seccomp=(\S+)/.exec(servers[0]?.service.security_opt?.join(' ') ?? '') ?? [];
    expect(existsSync(join(DEPLOY, file))).toBe(true);
    const profile = JSON.parse(readFileSync(join(DEPLOY, file), 'utf8')) as {
      readonly defaultAction: string;
      readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string }[];
    };
    expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
    const allowed = profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names);
    expect(allowed).toEqual(expect.arrayContaining(['clone', 'unshare', 'mount', 'pivot_root', 'sethostname']));
    expect(allowed).not.toEqual(expect.arrayContaining(['bpf']));
  });
});

describe('deploy/compose.yaml', () => {
  const servers = serversOf(readCompose('compose.yaml'));

  it('has two gateways and two workers, each reached by its own name and with a data folder of its own', () => {
    const roles = servers.map(({ service }) => service.environment['CHIRON_ROLE']);
    expect(roles).toEqual(['gateway', 'gateway', 'worker', 'worker']);
    for (const { name, service } of servers) {
      const { CHIRON_CLUSTER_URL: url, CHIRON_CLUSTER_PORT: port } = service.environment;
      expect(url).toBe(`http://${name}:${port}`);
      expect(service.volumes).toEqual([`${name}:/data`, 'threads:/threads']);
    }
  });

  it('gives the model provider’s key to workers only', () => {
    const holders = servers.filter(({ service }) => service.secrets?.includes('anthropic-api-key'));
    expect(holders.map(({ name }) => name)).toEqual(['worker-1', 'worker-2']);
  });
});

describe('The systemd unit', () => {
  const file = join(DEPLOY, 'systemd/chiron.service');
  const text = readFileSync(file, 'utf8');
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const environment = Object.fromEntries(
    [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) =>
      line.split(' ').map((pair) => pair.split('=') as [string, string]),
    ),
  );

  it('sets only what the server reads, and loads each credential that it names', () => {
    expectSettings(environment);
    const loaded = [...text.matchAll(/^LoadCredential=([\w-]+):/gm)].map(([, name]) => `%d/${name}`);
    expect(Object.entries(environment).flatMap(([name, path]) => (name.endsWith('_FILE') ? [path] : []))).toEqual(
      loaded,
    );
  });

  it('stops the server only after its drain', () => {
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThanOrEqual(Number(environment['CHIRON_DRAIN_SECONDS']) + 20);
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  if (!hasSystemd) console.log('The unit is not verified: systemd-analyze is not installed.');
  it.runIf(hasSystemd)('is accepted by systemd, and rated OK or better', () => {
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    // The program is not installed on this machine.
    expect(verified.stderr.split('\n').filter((line) => line !== '' && !line.includes('is not executable'))).toEqual(
      [],
    );
    const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=50', file], {
      encoding: 'utf8',
    });
    expect([rated.status, rated.stdout]).toEqual([
      0,
      expect.stringMatching(/exposure level for chiron\.service: [0-4]\.\d/),
    ]);
  });
});

describe('The package', () => {
  it('starts with npx, from what npm pack packs, and has the program chiron', async () => {
    const folder = newFolder();
    try {
      const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      execFileSync(
        'npm',
        ['install', '--prefix', folder, '--no-audit', '--no-fund', '--silent', '--omit=dev', packed.trim()],
        {
          cwd: folder,
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      const npx = execFileSync('npx', ['--no-install', 'chiron', '--version'], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(packed.trim()).toBe(`chiron-${npx.trim()}.tgz`);
      const start = await startMain({ cwd: folder, program: [join(folder, 'node_modules/.bin/chiron')] });
      expect((await fetch(`${urlOf(start)}/readyz`)).status).toBe(200);
      start.signal('SIGTERM');
      expect(await start.exit).toBe(0);
    } finally {
      removeFolder(folder);
    }
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { testedKinds } from '../../src/storage/__fixtures__/databases.js';
import { ask, askUntilAnswered } from '../cluster/support/caller.js';
import { newFolder, removeFolder } from '../support/start-main.js';
import { S3_BUCKET, S3_KEY_ID, startS3Server } from '../support/s3-server.js';
import { CHART, render, type Rendered } from './support/helm.js';
import { API_KEY, Pods } from './support/pods.js';
import { variablesOf, workloadOf, type Workload } from './support/workloads.js';

// The chart for a cluster: what its pods are, and the same pods as processes of this machine.

const CHIRON = fileURLToPath(new URL('../../dist/cli/chiron.js', import.meta.url));
const example = (name: string, ...values: readonly string[]): readonly Rendered[] =>
  render('-f', join(CHART, 'examples', name), ...values.flatMap((value) => ['--set', value]));
const hasPostgres = (await testedKinds()).includes('postgres');
if (!hasPostgres) console.log('The pods of the chart are not started: no PostgreSQL answers.');

interface Rule {
  readonly ports?: readonly { readonly port: number | string }[];
  readonly from?: readonly unknown[];
  readonly to?: readonly unknown[];
}

interface Policy {
  readonly ingress?: readonly Rule[];
  readonly egress: readonly Rule[];
}

function policyOf(objects: readonly Rendered[], component: string): Policy {
  const name = `r-chiron-${component}`;
  const found = objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name);
  return found?.spec as Policy;
}

const portsOf = (rules: readonly Rule[] = []): readonly (number | string)[] =>
  rules.flatMap(({ ports = [] }) => ports.map(({ port }) => port));

describe('The chart for a cluster', () => {
  const volumes = example('cluster.yaml');
  const bucket = example('s3.yaml');
  const shared = example('shared.yaml');

  it('has gateways without state, and workers with volumes unless the files are in a bucket', () => {
    const kinds = [volumes, bucket, shared].map((objects) => workloadOf(objects, 'worker').kind);
    expect(kinds).toEqual(['StatefulSet', 'Deployment', 'StatefulSet']);
    expect(workloadOf(volumes, 'worker').volumeClaimTemplates).toHaveLength(1);
    const { template } = workloadOf(bucket, 'worker');
    expect(template.spec.volumes.find(({ name }) => name === 'data')?.emptyDir).toEqual({ sizeLimit: '50Gi' });
    for (const component of ['gateway', 'worker'])
      expect(
        workloadOf(shared, component).template.spec.volumes.find(({ name }) => name === 'threads')
          ?.persistentVolumeClaim,
      ).toEqual({ claimName: 'r-chiron-threads' });
  });

  it('leaves the number of gateways to the autoscaler where there is one', () => {
    expect(workloadOf(volumes, 'gateway').replicas).toBeUndefined();
    expect(workloadOf(shared, 'gateway').replicas).toBe(2);
    const scaled = volumes.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec;
    expect(scaled).toMatchObject({ scaleTargetRef: { kind: 'Deployment', name: workloadOf(volumes, 'gateway').name } });
  });

  it('gives the keys of model providers to workers only', () => {
    const has = (component: string): boolean => 'ANTHROPIC_API_KEY_FILE' in variablesOf(workloadOf(volumes, component));
    expect([has('worker'), has('gateway')]).toEqual([true, false]);
  });

  it('lets callers reach gateways only, servers of the release alone the port between them, and anyone the metrics', () => {
    const gateway = policyOf(bucket, 'gateway');
    const worker = policyOf(bucket, 'worker');
    expect([portsOf(gateway.ingress), portsOf(worker.ingress)]).toEqual([
      ['http', 'cluster', 'metrics'],
      ['cluster', 'metrics'],
    ]);
    const servers = { matchLabels: { 'app.kubernetes.io/name': 'chiron', 'app.kubernetes.io/instance': 'r' } };
    for (const { ingress = [] } of [gateway, worker])
      expect(ingress.find((rule) => portsOf([rule]).includes('cluster'))?.from).toEqual([{ podSelector: servers }]);
  });

  it('lets gateways reach the identity provider whose tokens they check, and needs no keys then', () => {
    const oidc = ['settings.CHIRON_OIDC_ISSUER=https://login.example.com', 'networkPolicy.identityProvider.port=8443'];
    const objects = example('s3.yaml', ...oidc, 'secrets.names={CHIRON_DATABASE_URL}');
    expect(portsOf(policyOf(objects, 'gateway').egress)).toContain(8443);
    expect(portsOf(policyOf(objects, 'worker').egress)).not.toContain(8443);
  });

  it('needs no keys where the first one is in the store already', () => {
    const [database, inStore] = ['secrets.names={CHIRON_DATABASE_URL}', 'secrets.keysInStore=true'];
    expect(example('s3.yaml', database, inStore).length).toBe(example('s3.yaml').length);
  });

  it('lets all servers reach the collector of traces, where there is one', () => {
    const collector = 'settings.OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318';
    const objects = example('s3.yaml', collector);
    for (const component of ['gateway', 'worker']) expect(portsOf(policyOf(objects, component).egress)).toContain(4318);
  });

  it('closes the way out but for names, the database, the bucket, the other servers, and port 443 of workers', () => {
    expect(portsOf(policyOf(bucket, 'worker').egress)).toEqual([53, 53, 5432, 8788, 9000, 443]);
    expect(portsOf(policyOf(bucket, 'gateway').egress)).toEqual([53, 53, 5432, 8788, 9000]);
    expect(portsOf(policyOf(volumes, 'worker').egress)).toEqual([53, 53, 5432, 8788, 443]);
    expect(portsOf(policyOf(volumes, 'migration').egress)).toEqual([53, 53, 5432]);
    // Names may be asked of anybody; nothing else may.
    for (const component of ['gateway', 'worker'])
      for (const rule of policyOf(bucket, component).egress.slice(1)) expect(rule.to?.length).toBeGreaterThan(0);
  });

  it('tells the others the address of the pod, or with TLS a name that the certificate can have', () => {
    const facts = { name: 'r-chiron-worker-1', ip: '10.1.2.3' };
    expect(variablesOf(workloadOf(volumes, 'worker'), facts)['CHIRON_CLUSTER_URL']).toBe('http://10.1.2.3:8788');
    const secured = workloadOf(example('cluster.yaml', 'cluster.tlsSecret=tls'), 'worker');
    expect(secured.serviceName).toBe('r-chiron-servers');
    expect(variablesOf(secured, facts)['CHIRON_CLUSTER_URL']).toBe(
      'https://r-chiron-worker-1.r-chiron-servers.default.svc:8788',
    );
    expect(announcedUrl(workloadOf(bucket, 'worker'), '10.1.2.3')).toBe(
      'https://10-1-2-3.r-chiron-servers.default.svc:8788',
    );
    expect(announcedUrl(workloadOf(bucket, 'gateway'), 'fd00::5')).toBe(
      'https://fd00--5.r-chiron-servers.default.svc:8788',
    );
  });
});

/** Runs the command of a pod, with programs in the place of the image's that print what the server would get. */
function announcedUrl({ template }: Workload, ip: string): string {
  const folder = newFolder();
  try {
    writeFileSync(join(folder, 'tini'), '#!/bin/sh\n[ "$*" = "-- chiron start" ] && echo "$CHIRON_CLUSTER_URL"\n', {
      mode: 0o755,
    });
    const [program = '', ...args] = template.spec.containers[0].command ?? [];
    const env = { PATH: `${folder}:/usr/bin:/bin`, POD_IP: ip };
    return execFileSync(program, args, { env, encoding: 'utf8' }).trim();
  } finally {
    removeFolder(folder);
  }
}

describe.runIf(hasPostgres)('The pods of the chart as processes', () => {
  /** Without a sandbox, agents write where the tests look. */
  const CHANGES = { CHIRON_SANDBOX: 'local', CHIRON_DEMO: 'on' };
  let pods: Pods | undefined;

  afterEach(async () => {
    await pods?.close();
    pods = undefined;
  });

  const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

  it('a worker is killed in a turn: the turn goes on at another, on the connection that the caller has', async () => {
    const objects = example('cluster.yaml', 'cluster.nodeTimeoutSeconds=6');
    pods = await Pods.create(objects, CHANGES);
    migrate(pods, objects);
    await pods.start('worker', 2);
    await pods.start('gateway', 2);
    const file = join(pods.folder, 'seen');
    const answer = ask(pods.url, `!echo ran >> ${file}; sleep 60; echo end >> ${file}`, {
      thread: 'killed',
      apiKey: API_KEY,
    });
    const runner = await pods.runnerOf('test:killed');
    await expect.poll(() => read(file), { timeout: 60_000 }).toBe('ran\n');
    runner.start.signal('SIGKILL');
    expect((await answer).text).toBe('The server was stopped while the command ran. It was not run again.');
    const turn = await pods.queryRow(`select attempt, turns.state, nodes.name from turns
      join threads on threads.id = thread_id join nodes on nodes.id = threads.node`);
    const other = runner.name.endsWith('0') ? 'r-chiron-worker-1' : 'r-chiron-worker-0';
    expect(turn).toEqual({ attempt: 2, state: 'completed', name: other });
    expect(read(file)).toBe('ran\n');
  });

  it('a worker without a volume is killed: another goes on with the files of its thread from the bucket', async () => {
    const s3 = await startS3Server();
    try {
      const objects = example('s3.yaml', 'cluster.nodeTimeoutSeconds=6', 'cluster.tlsSecret=');
      pods = await Pods.create(
        objects,
        { ...CHANGES, CHIRON_S3_ENDPOINT: s3.url, CHIRON_S3_BUCKET: S3_BUCKET },
        { CHIRON_S3_ACCESS_KEY_ID: S3_KEY_ID },
      );
      await pods.start('worker', 2);
      await pods.start('gateway', 2);
      const asked = { thread: 'kept', apiKey: API_KEY };
      const first = ask(pods.url, '!echo precious > file; sleep 2; echo written', asked);
      const runner = await pods.runnerOf('test:kept');
      expect((await first).results).toEqual(['written']);
      await expect
        .poll(() => pods?.queryRow('select snapshot from threads'), { timeout: 30_000 })
        .not.toEqual({
          snapshot: null,
        });
      runner.start.signal('SIGKILL');
      await runner.start.exit;
      const { results } = await askUntilAnswered(pods.url, '!cat file', asked);
      expect(results).toEqual(['precious']);
    } finally {
      await s3.close();
    }
  });

  /** The job before an upgrade, run as its container says. */
  function migrate(on: Pods, objects: readonly Rendered[]): void {
    const job = objects.find(({ kind }) => kind === 'Job')?.spec as Pick<Workload, 'template'>;
    const environment = on.environment(job, 'migration', 200);
    const args = job.template.spec.containers[0].args ?? [];
    mkdirSync(join(on.folder, 'migration'), { recursive: true });
    const output = execFileSync(process.execPath, [CHIRON, ...args], {
      cwd: join(on.folder, 'migration'),
      env: environment,
      encoding: 'utf8',
    });
    expect(output).toMatch(/^The store \(PostgreSQL at .*\) has the schema of this version\.$/m);
  }
});

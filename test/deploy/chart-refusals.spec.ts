import { describe, expect, it } from 'vitest';
import { CHART, helm } from './support/helm.js';

const KEYS = ['--set', 'secrets.values.CHIRON_API_KEYS=alice:0123456789abcdef01234567'];
const DATABASE = ['--set', 'secrets.values.CHIRON_DATABASE_URL=postgres://chiron@database/chiron'];
const CLUSTER = [...KEYS, ...DATABASE, '--set', 'mode=cluster'];

describe('The chart', () => {
  it.each([
    ['no API keys', [], /secrets: CHIRON_API_KEYS is missing\. Name a Secret/],
    [
      'keys in a store that is on the volume of the pod',
      ['--set', 'secrets.keysInStore=true'],
      /secrets\.keysInStore: needs PostgreSQL/,
    ],
    [
      'a secret among the settings',
      [...KEYS, '--set', 'settings.ANTHROPIC_API_KEY=x'],
      /ANTHROPIC_API_KEY is a secret; put it into secrets/,
    ],
    ['what it sets itself', [...KEYS, '--set-string', 'settings.PORT=1'], /settings: PORT is set by the chart/],
    [
      'a drain that the grace period does not follow',
      [...KEYS, '--set-string', 'settings.CHIRON_DRAIN_SECONDS=1'],
      /set drainSeconds instead/,
    ],
    [
      'both a Secret and values',
      [...KEYS, '--set', 'secrets.existingSecret=a'],
      /existingSecret and values exclude each other/,
    ],
    [
      'rules for metrics that it does not serve',
      [...KEYS, '--set', 'metrics.rules.enabled=true'],
      /metrics: set metrics\.enabled as well/,
    ],
    [
      'the port of the metrics as a setting',
      [...KEYS, '--set-string', 'settings.CHIRON_METRICS_PORT=1'],
      /set metrics instead of CHIRON_METRICS_PORT/,
    ],
    ['a value that it does not have', [...KEYS, '--set', 'replicas=2'], /additional properties 'replicas' not allowed/],
    ['a negative drain', [...KEYS, '--set', 'drainSeconds=-1'], /\/drainSeconds': minimum: got -1, want 0/],
    ['the tag latest', [...KEYS, '--set', 'image.tag=latest'], /\/image\/tag'/],
    ['an ingress without a host', [...KEYS, '--set', 'ingress.enabled=true'], /\/ingress\/host'/],
    ['a route without a gateway', [...KEYS, '--set', 'httpRoute.enabled=true'], /\/httpRoute\/parentRefs'/],
    ['a number as a setting', [...KEYS, '--set', 'settings.CHIRON_TURN_OUTPUT_MB=1'], /got number, want string/],
    ['a mode that it does not have', [...KEYS, '--set', 'mode=several'], /\/mode'.*'single', 'cluster'/],
    [
      'a cluster without PostgreSQL',
      [...KEYS, '--set', 'mode=cluster'],
      /mode: cluster needs PostgreSQL\. Put CHIRON_DATABASE_URL/,
    ],
    [
      'workers without volumes that keep files locally',
      [...CLUSTER, '--set', 'persistence.enabled=false'],
      /without volumes, threadStore\.kind: local would lose the files.*Use s3 or shared/,
    ],
    [
      'one claim for several workers',
      [...CLUSTER, '--set', 'persistence.existingClaim=a'],
      /existingClaim: is for mode: single/,
    ],
    ['a shared volume for one server', [...KEYS, '--set', 'threadStore.kind=shared'], /shared is for mode: cluster/],
    ['a bucket store without a bucket', [...CLUSTER, '--set', 'threadStore.kind=s3'], /s3\.bucket: is required/],
    [
      'a bucket that would not be used',
      [...CLUSTER, '--set', 'threadStore.s3.bucket=threads'],
      /threadStore\.s3: has an effect with threadStore\.kind: s3 only/,
    ],
    [
      'a claim for threads that would not be used',
      [...CLUSTER, '--set', 'threadStore.shared.existingClaim=threads'],
      /threadStore\.shared: has an effect with/,
    ],
    [
      'TLS between servers for one',
      [...KEYS, '--set', 'cluster.tlsSecret=a'],
      /cluster: has an effect with mode: cluster only/,
    ],
    [
      'a secret that is given twice',
      [...CLUSTER, '--set', 'cluster.existingSecret=a,secrets.values.CHIRON_CLUSTER_SECRET=0123456789abcdef01234567'],
      /CHIRON_CLUSTER_SECRET is given twice/,
    ],
    [
      'more gateways at least than at most',
      [...CLUSTER, '--set', 'gateway.autoscaling.enabled=true,gateway.autoscaling.minReplicas=9'],
      /maxReplicas is less than minReplicas/,
    ],
    ['no worker', [...CLUSTER, '--set', 'worker.replicas=0'], /\/worker\/replicas': minimum: got 0, want 1/],
    ['a migration of SQLite', [...KEYS, '--set', 'migration.hook=true'], /migration\.hook: needs PostgreSQL/],
    ['a port for servers that the API has', [...CLUSTER, '--set', 'cluster.port=8787'], /\/cluster\/port'/],
    [
      'a setting that the chart sets by a value',
      [...CLUSTER, '--set-string', 'settings.CHIRON_THREAD_STORE=s3'],
      /set threadStore instead of CHIRON_THREAD_STORE/,
    ],
    [
      'a setting of the cluster among the others',
      [...CLUSTER, '--set-string', 'settings.CHIRON_CLUSTER_PORT=1'],
      /set cluster instead of CHIRON_CLUSTER_PORT/,
    ],
  ])('refuses %s, with a reason', (_, args, reason) => {
    const { status, output } = helm('template', 'r', CHART, ...args);
    expect([status, output]).toEqual([1, expect.stringMatching(reason)]);
  });
});

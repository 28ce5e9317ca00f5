import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';
import { CHART, helm, type Labels, render, type Rendered } from './support/helm.js';
import { typeCheck, validate } from './support/kubernetes.js';
import { knownVariables, onThisMachine, parseSettings, POD_VARIABLES } from './support/settings.js';
import { matches, variablesOf, workloadOf, workloads } from './support/workloads.js';

// The chart, rendered by the real Helm. No cluster is asked: neither admission nor a rollout is tried.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = readdirSync(join(CHART, 'examples')).map((name) => join(CHART, 'examples', name));
const KEYS = ['--set', 'secrets.values.CHIRON_API_KEYS=alice:0123456789abcdef01234567'];

describe.each(EXAMPLES)('The chart with %s', (example) => {
  let objects: readonly Rendered[];
  let folder: string;

  beforeAll(() => {
    objects = render('-f', example);
    folder = newFolder();
  });
  afterAll(() => removeFolder(folder));

  it('passes the strict linter of Helm', () => {
    const { status, output } = helm('lint', '--strict', CHART, '-f', example);
    expect([status, output]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  it('is made of objects that Kubernetes knows, without a field that it does not know', async () => {
    for (const object of objects) await validate(object);
    expect(typeCheck(objects)).toBe('');
  });

  it('selects its own pods, each kind by itself', () => {
    const pods = workloads(objects);
    expect(pods.length).toBeGreaterThan(0);
    for (const { selector, template } of pods)
      expect(matches(selector.matchLabels, template.metadata.labels)).toBe(true);
    const selected = ({ selector }: { readonly selector: Labels }): readonly string[] =>
      pods.filter(({ template }) => matches(selector, template.metadata.labels)).map(({ component }) => component);
    const byName = new Map(
      objects.flatMap(({ kind, metadata, spec }) => {
        const labels = readSelector(kind, spec);
        return labels === undefined ? [] : [[`${kind} ${metadata.name}`, selected({ selector: labels })] as const];
      }),
    );
    const migration = byName.get('NetworkPolicy r-chiron-migration');
    byName.delete('NetworkPolicy r-chiron-migration');
    // The policy of the job is not that of a server.
    expect(migration ?? []).toEqual([]);
    const components = pods.map(({ component }) => component).sort();
    expect(byName.get('Service r-chiron')).toEqual([components.includes('gateway') ? 'gateway' : 'server']);
    for (const [name, found] of byName)
      expect(found.toSorted(), name).toEqual(
        /-(servers|metrics)$/.test(name) ? components : [/-(gateway|worker)$/.exec(name)?.[1] ?? components[0]],
      );
  });

  it('sets only what the server reads, to values that it accepts', () => {
    for (const workload of workloads(objects)) {
      const variables = Object.fromEntries(
        Object.entries(variablesOf(workload)).filter(([name]) => !POD_VARIABLES.includes(name)),
      );
      expect(Object.keys(variables).filter((name) => !knownVariables().has(name))).toEqual([]);
      expect(() => parseSettings(onThisMachine(variables, folder))).not.toThrow();
    }
  });

  it('gives running turns, and streams, their time before the pod is killed', () => {
    for (const { component, template, ...workload } of workloads(objects)) {
      const [, linger] = template.spec.containers[0].lifecycle.preStop.exec.command;
      const drainSeconds = Number(variablesOf({ template, ...workload })['CHIRON_DRAIN_SECONDS'] ?? 0);
      expect(drainSeconds > 0).toBe(component !== 'gateway');
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(linger) + drainSeconds + 20);
    }
  });

  it('mounts what it names, and takes no secret from a variable', () => {
    for (const { template, volumeClaimTemplates = [] } of workloads(objects)) {
      const { volumes, containers } = template.spec;
      const volumeNames = [...volumes, ...volumeClaimTemplates.map(({ metadata }) => metadata)].map(({ name }) => name);
      expect(containers[0].volumeMounts.map(({ name }) => name).sort()).toEqual(volumeNames.sort());
      const sources = volumes.find(({ name }) => name === 'secrets')?.projected?.sources ?? [];
      const keys = sources.flatMap(({ secret }) => secret.items.map(({ key }) => key));
      const mount = containers[0].volumeMounts.find(({ name }) => name === 'secrets')?.mountPath;
      const files = containers[0].env.flatMap(({ value = '' }) => (value.startsWith(`${mount}/`) ? [value] : []));
      expect(files).toEqual(keys.map((key) => `${mount}/${key}`));
      expect(keys).toContain('CHIRON_API_KEYS');
      expect(JSON.stringify(containers[0].env)).not.toContain('secretKeyRef');
    }
  });

  it('runs an image of a version, as an ordinary user without rights', () => {
    for (const { template } of workloads(objects)) {
      const [container] = template.spec.containers;
      expect(container.image).toMatch(/:\d+\.\d+\.\d+(-agents)?$/);
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: expect.anything() });
    }
  });
});

/** Which pods a Service, a policy or a budget is for. */
function readSelector(kind: string, spec: unknown): Labels | undefined {
  if (kind === 'Service') return (spec as { readonly selector: Labels }).selector;
  if (kind === 'NetworkPolicy')
    return (spec as { readonly podSelector: { readonly matchLabels: Labels } }).podSelector.matchLabels;
  if (kind === 'PodDisruptionBudget')
    return (spec as { readonly selector: { readonly matchLabels: Labels } }).selector.matchLabels;
  return undefined;
}

describe('The server with the variables of the chart', () => {
  it('answers at the paths and the port of its probes', async () => {
    const folder = newFolder();
    const workload = workloadOf(render(...KEYS), 'server');
    const [container] = workload.template.spec.containers;
    const port = variablesOf(workload)['PORT'];
    const start = await startMain({ cwd: folder, environment: onThisMachine(variablesOf(workload), folder) });
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;
    for (const name of probes) {
      const { path, port: portName } = container[name].httpGet;
      expect(container.ports.find((one) => one.name === portName)?.containerPort).toBe(Number(port));
      const url = urlOf(start).replace('0.0.0.0', '127.0.0.1');
      expect((await fetch(`${url}${path}`)).status, `${name}: ${path}`).toBe(200);
    }
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
    removeFolder(folder);
  });
});

describe('The chart', () => {
  it('has the version of package.json', () => {
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Readonly<Record<string, unknown>>;
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
    expect([chart['version'], chart['appVersion']]).toEqual([version, version]);
  });

  it('makes a Secret of values, and restarts the pod when they change', () => {
    const objects = render(...KEYS);
    expect(objects.filter(({ kind }) => kind === 'Secret')).toHaveLength(1);
    const checksum = (all: readonly Rendered[]): unknown => workloads(all)[0]?.template.metadata.annotations;
    expect(checksum(render(...KEYS))).toEqual(checksum(objects));
    expect(checksum(render('--set', 'secrets.values.CHIRON_API_KEYS=bob:0123456789abcdef01234567'))).not.toEqual(
      checksum(objects),
    );
  });

  it('is admitted under the Pod Security Standard restricted by default', () => {
    const { securityContext, containers } = workloadOf(render(...KEYS), 'server').template.spec;
    expect(securityContext).toMatchObject({ seccompProfile: { type: 'RuntimeDefault' }, runAsUser: 1000 });
    expect(containers[0].securityContext).not.toHaveProperty('procMount');
  });
});

describe('docs/deployment.md', () => {
  const page = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8').replaceAll('\\\n', ' ');
  const commands = [...page.matchAll(/^helm install (.+)$/gm)].map(([, args = '']) => args.trim().split(/\s+/));

  it('installs the chart with values that it takes', () => {
    expect(commands.length).toBeGreaterThan(1);
    for (const args of commands) {
      const { status, output } = helm('template', ...args.map((arg) => arg.replace(/^deploy\//, `${ROOT}deploy/`)));
      expect([status, output]).toEqual([0, expect.stringContaining('image: "registry.example.com/chiron:')]);
    }
  });
});

describe('The checks of the chart', () => {
  const objects = render(...KEYS);
  const changed = (change: (spec: { template: { spec: Record<string, unknown> } }) => void): Rendered => {
    const object = structuredClone(objects.find(({ kind }) => kind === 'StatefulSet'));
    if (object === undefined) throw new Error('no StatefulSet');
    change(object.spec as { template: { spec: Record<string, unknown> } });
    return object;
  };

  it('find a wrong type, a missing field and an unknown field', async () => {
    await expect(validate(changed(({ template }) => (template.spec['hostUsers'] = 'no')))).rejects.toThrow(/hostUsers/);
    await expect(validate(changed(({ template }) => delete template.spec['containers']))).rejects.toThrow(/containers/);
    expect(typeCheck([changed(({ template }) => (template.spec['hostUser'] = true))])).toContain('hostUser');
  });
});

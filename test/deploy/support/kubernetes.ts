import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rendered } from './helm.js';

// There is no API server on this machine. Two checks take its place, of which each finds what the other does not: the schemas of
// kubernetes-models find wrong types and missing fields, and the compiler, with its types, finds fields that do not exist.

const HERE = fileURLToPath(new URL('..', import.meta.url));

/** A class of kubernetes-models. */
type Model = new (data: Rendered) => { validate(): void };

function modelPath({ apiVersion, kind }: Rendered): string {
  if (apiVersion.startsWith('gateway.networking.k8s.io/'))
    return `@kubernetes-models/gateway-api/${apiVersion}/${kind}`;
  if (apiVersion.startsWith('monitoring.coreos.com/'))
    return `@kubernetes-models/prometheus-operator/${apiVersion}/${kind}`;
  return `kubernetes-models/${apiVersion}/${kind}`;
}

/** Checks an object against the schema of its kind. Rejects with what is wrong. */
export async function validate(object: Rendered): Promise<void> {
  const models = (await import(modelPath(object))) as Readonly<Record<string, Model>>;
  const Model = models[object.kind];
  if (Model === undefined) throw new Error(`no schema for ${object.kind}`);
  new Model(object).validate();
}

/** Compiles the objects as literals of their types. Gives what the compiler says; empty if nothing is wrong. */
export function typeCheck(objects: readonly Rendered[]): string {
  const folder = mkdtempSync(join(HERE, '.types-'));
  try {
    const file = join(folder, 'objects.ts');
    const lines = objects.map((object, index) => {
      const type = `import('${modelPath(object)}').I${object.kind}`;
      return `export const object${index}: ${type} = ${JSON.stringify(object, undefined, 1)};`;
    });
    writeFileSync(file, lines.join('\n'));
    const tsc = join(HERE, '../../node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
    execFileSync(process.execPath, [tsc, ...options, '--ignoreConfig', file], {
      cwd: HERE,
      stdio: 'pipe',
      encoding: 'utf8',
    });
    return '';
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'stdout' in error) return String(error.stdout);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

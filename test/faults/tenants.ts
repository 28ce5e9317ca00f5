import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHIRON = fileURLToPath(new URL('../../dist/cli/chiron.js', import.meta.url));
const STORE = 'chiron.sqlite';

/** The tenants of a run with `--tenants`, with the key of each. */
const KEYS: ReadonlyMap<string, string> = new Map(
  ['red', 'green', 'blue'].map((tenant) => [tenant, `${tenant}-key-of-the-fault-suite-4be1`]),
);

/** Limits that no scenario reaches: what counts them runs with every turn. */
const POLICY = {
  concurrent_turns: 10_000,
  requests_per_minute: 100_000,
  tokens_per_day: 1_000_000_000,
  usd_per_month: 1_000_000,
};

let isOn = false;
let template: Promise<string> | undefined;

/** Has the servers that start from now on have tenants, each with a policy, and the callers their keys. */
export function useTenants(): void {
  isOn = true;
}

/** The settings of a server, for its tenants. */
export function tenantSettings(): Readonly<Record<string, string>> {
  return isOn ? { CHIRON_API_KEYS: [...KEYS].map((entry) => entry.join(':')).join(',') } : {};
}

/** The header with which a caller is known. The threads of kill points belong to different tenants. */
export function keyHeader(threadKey: string | undefined): Readonly<Record<string, string>> {
  return isOn ? { 'x-api-key': KEYS.get(tenantOf(threadKey)) ?? '' } : {};
}

/** Whose thread that is. */
export function tenantOf(threadKey: string | undefined): string {
  const point = Number(/^fault:\d+-(\d+)$/.exec(threadKey ?? '')?.[1] ?? 0);
  return [...KEYS.keys()][point % KEYS.size] ?? '';
}

/** Puts the tenants into the store of a server that has not started yet. */
export async function seedTenants(store: { readonly dataDirectory: string } | { readonly databaseUrl: string }) {
  if (!isOn) return;
  if ('databaseUrl' in store) {
    await makeTenants({ CHIRON_DATABASE_URL: store.databaseUrl });
    return;
  }
  template ??= makeTemplate();
  await mkdir(store.dataDirectory, { recursive: true });
  await copyFile(await template, join(store.dataDirectory, STORE));
}

/** Removes what `seedTenants` has made for itself. */
export async function removeTemplate(): Promise<void> {
  if (template !== undefined) await rm(join(await template, '..'), { recursive: true, force: true });
}

/** A query of the turns whose usage is not as it must be: a row for each that is completed, of the tenant of its thread. */
export const BAD_USAGE = `select turns.id from turns join threads on threads.id = turns.thread_id
  left join usage on usage.turn_id = turns.id
  where (turns.state = 'completed' and usage.tenant is null) or usage.tenant <> threads.tenant`;

async function makeTemplate(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chiron-faults-tenants-'));
  await makeTenants({ CHIRON_DATA_DIR: folder });
  return join(folder, STORE);
}

async function makeTenants(environment: Readonly<Record<string, string>>): Promise<void> {
  const run = promisify(execFile);
  const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...environment };
  for (const tenant of KEYS.keys()) {
    await run(process.execPath, [CHIRON, 'tenants', 'create', tenant], { env, cwd: tmpdir() });
    const set = ['--set', JSON.stringify(POLICY)];
    await run(process.execPath, [CHIRON, 'tenants', 'policy', tenant, ...set], { env, cwd: tmpdir() });
  }
}

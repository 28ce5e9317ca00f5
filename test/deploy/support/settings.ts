import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AppConfig, readConfig } from '../../../src/config/app-config.js';
import type { Setting } from '../../../src/config/setting.js';
import { buildProgramSettings, settings } from '../../../src/config/settings.js';
import { HARNESSES } from '../../../src/harness/harnesses.js';

/** Values of variables that hold secrets, which the real server accepts. */
const SECRETS: Readonly<Record<string, string>> = {
  CHIRON_API_KEYS: `alice:${'k'.repeat(32)}`,
  CHIRON_DATABASE_URL: 'postgres://chiron@127.0.0.1/chiron',
  CHIRON_CLUSTER_SECRET: 'c'.repeat(32),
};

/** Variables of pods that are not for the server: others are made of them. */
export const POD_VARIABLES: readonly string[] = ['POD_IP', 'POD_NAME'];

/** Every variable that the server reads. */
export function knownVariables(): ReadonlySet<string> {
  const rows: readonly Setting<unknown>[] = [
    ...Object.values<Setting<unknown>>(settings(HARNESSES)),
    ...Object.values(buildProgramSettings(HARNESSES)),
  ];
  const passed = (rows.find(({ variable }) => variable === 'CHIRON_SANDBOX_PASSTHROUGH_ENV')?.fallback ?? '').split(
    ',',
  );
  const files = [...rows.filter(({ isSecret }) => isSecret === true).map(({ variable }) => variable), ...passed];
  return new Set([...rows.map(({ variable }) => variable), ...passed, ...files.map((name) => `${name}_FILE`)]);
}

/**
 * The variables of a container as they are on this machine: its folders and the files of its secrets are in `folder`, and the system chooses
 * its port.
 *
 * @param secrets values of secrets, by variable
 */
export function onThisMachine(
  variables: Readonly<Record<string, string>>,
  folder: string,
  secrets: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  for (const name of ['secrets', 'threads']) mkdirSync(join(folder, name), { recursive: true });
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      if (name === 'CHIRON_DATA_DIR') return [name, join(folder, 'data')];
      if (name === 'CHIRON_SHARED_DIRECTORY') return [name, join(folder, 'threads')];
      if (name === 'PORT') return [name, '0'];
      if (!name.endsWith('_FILE')) return [name, value];
      const secret = name.replace(/_FILE$/, '');
      const file = join(folder, 'secrets', secret);
      writeFileSync(file, secrets[secret] ?? SECRETS[secret] ?? 'a-secret-of-a-test');
      return [name, file];
    }),
  );
}

/** What the server makes of variables. Throws with the names of those that are wrong. */
export function parseSettings(variables: Readonly<Record<string, string>>): AppConfig {
  return readConfig(variables, HARNESSES);
}

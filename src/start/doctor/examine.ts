import { Logger } from '@nestjs/common';
import { type AppConfig, readConfig } from '../../config/app-config.js';
import { HARNESSES } from '../../harness/harnesses.js';
import { describeKeys } from '../../ops/start-summary.js';
import type { SandboxChoice } from '../../sandbox/kinds.js';
import { readEnvFile } from '../env-file.js';
import { findHostProblem } from '../host-problem.js';
import { assertIsolatesTenants } from '../isolation.js';
import { assertClosedToOthers } from '../open-access.js';
import { checkAgents } from './check-agents.js';
import { checkNetwork } from './check-network.js';
import { checkDisk, checkStore, type StoredAccess } from './check-store.js';
import { type Finding, ok, problem } from './finding.js';
import { listRefusals } from './refusals.js';

/**
 * Finds out what a server that starts in this folder has, and what it lacks, by the checks of its start. Changes nothing, and takes nothing
 * from a server that runs.
 *
 * @param options.online whether the addresses of providers are asked for a sign of life
 */
export async function examine({ online }: { readonly online: boolean }): Promise<readonly Finding[]> {
  // What the checks log is in what they find.
  Logger.overrideLogger(false);
  // Parts of a server keep no process alive, as its port does.
  const alive = setInterval(() => undefined, 60_000);
  try {
    return await examineAll(online);
  } finally {
    clearInterval(alive);
  }
}

async function examineAll(online: boolean): Promise<readonly Finding[]> {
  const host = findHostProblem();
  const node = host === undefined ? ok('node', `Node ${process.versions.node} runs it.`) : problem('node', host);
  const settings = await readSettings();
  if ('findings' in settings) return [node, ...settings.findings];
  const { config } = settings;
  const store = await checkStore(config);
  const agents = await checkAgents(config);
  const access = store.access === undefined ? [] : await checkAccess(config, store.access, agents.choice);
  return [
    node,
    ok('settings', 'No setting is refused by itself.'),
    ...access,
    ...store.findings,
    await checkDisk(config),
    ...agents.findings,
    ...(online ? await checkNetwork(config, agents.addresses) : []),
  ];
}

async function readSettings(): Promise<{ readonly config: AppConfig } | { readonly findings: readonly Finding[] }> {
  try {
    readEnvFile('.env', process.env);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { findings: [problem('settings', error.message, 'Let the user of the server read it, or remove it.')] };
  }
  let config: AppConfig | undefined;
  const findings = await listRefusals('settings', () => {
    config = readConfig(process.env, HARNESSES);
  });
  return config === undefined ? { findings } : { config };
}

/** Whether the start would refuse the callers that the settings and the store let in. */
async function checkAccess(
  config: AppConfig,
  { hasKeys, tenants }: StoredAccess,
  choice: SandboxChoice | undefined,
): Promise<readonly Finding[]> {
  const refusals = [
    ...(await listRefusals('access', () => assertClosedToOthers(config, hasKeys))),
    ...(await listRefusals('access', () => {
      if (choice !== undefined) assertIsolatesTenants(config, choice, tenants);
    })),
  ];
  if (refusals.length > 0) return refusals;
  return [ok('access', `Keys: ${describeKeys(config, hasKeys)}.`)];
}

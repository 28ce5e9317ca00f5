import { opendirSync } from 'node:fs';
import { coversRule } from '../domain/host-rule.js';
import { ConfigurationError } from './configuration-error.js';
import type { AgentSettings } from './agent-settings.js';
import { checkOidc } from './oidc-settings.js';
import { parsePassedVariables } from './passed-variables.js';
import { readSecretFiles } from './secret-files.js';
import type { Setting, Variables } from './setting.js';
import { type HarnessSettings, buildProgramSettings, settings } from './settings.js';

type Settings = ReturnType<typeof settings>;

/** The parsed values of settings, by their names. */
type Values<Rows> = { readonly [Name in keyof Rows]: Rows[Name] extends Setting<infer Value> ? Value : never };

/** The configuration, read once at the start; see `settings.ts`. Durations are milliseconds, paths absolute. */
export type AppConfig = Values<Settings> & {
  /** The programs of the harnesses, by harness name: absolute paths, or names on the server's `PATH`. */
  readonly programs: Readonly<Record<string, string>>;
  /** What the processes of configured agents get besides the variables of all agents, by agent. They hold credentials. */
  readonly agentVariables: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** Injection token of the configuration. */
export const AppConfig = Symbol('AppConfig');

/** What a new message does on a thread whose turn is still running. */
export type BusyPolicy = AppConfig['onBusy'];

/**
 * Parses the configuration from environment variables.
 *
 * @param harnesses the built-in harnesses. Settings may refer to them and to the agents of `CHIRON_AGENTS_FILE`.
 * @throws ConfigurationError naming every wrong variable, never a value.
 */
export function readConfig(variables: Variables, harnesses: readonly HarnessSettings[] = []): AppConfig {
  const problems = new Map<string, string>();
  const agents = readAgents(variables, harnesses);
  const rows = settings(
    harnesses,
    agents.map(({ name }) => name),
  );
  const known = readSecretFiles(variables, listSecrets(rows, variables, agents), problems);
  const config: AppConfig = {
    ...readSettings(rows, known, problems),
    programs: {
      ...readSettings(buildProgramSettings(harnesses), known, problems),
      ...Object.fromEntries(agents.map(({ name, command }) => [name, command])),
    },
    agentVariables: Object.fromEntries(agents.map((agent) => [agent.name, findAgentVariables(agent, known)])),
  };
  if (problems.size === 0) checkCombinations(config, problems);
  if (problems.size > 0) throw new ConfigurationError(problems);
  return config;
}

/** The variables that the processes of a harness get, with their values: those of all agents, and its own if it is of `CHIRON_AGENTS_FILE`. */
export function listHarnessVariables(
  { passedVariables, agentVariables }: Pick<AppConfig, 'passedVariables' | 'agentVariables'>,
  harness?: string,
): Readonly<Record<string, string>> {
  return harness === undefined ? passedVariables : { ...passedVariables, ...agentVariables[harness] };
}

/**
 * The agents of `CHIRON_AGENTS_FILE`, on whose names other settings depend.
 *
 * @throws ConfigurationError with this one problem: those of the others may be due to it.
 */
function readAgents(variables: Variables, harnesses: readonly HarnessSettings[]): readonly AgentSettings[] {
  const problems = new Map<string, string>();
  const { agents } = readSettings({ agents: settings(harnesses).agents }, variables, problems);
  if (problems.size > 0) throw new ConfigurationError(problems);
  return agents;
}

/** The server's variables that an agent of the file gets alone; those of the file itself win. */
function findAgentVariables(
  { passedVariables, env }: AgentSettings,
  variables: Variables,
): Readonly<Record<string, string>> {
  const passed = parsePassedVariables(passedVariables.join(','), variables);
  // The file's parser lets through only names that this one takes.
  return { ...('value' in passed ? passed.value : {}), ...env };
}

/** The variables that may be given as files: the secrets of the server, and whatever agents get, as that is where their keys are. */
function listSecrets(rows: Settings, variables: Variables, agents: readonly AgentSettings[]): readonly string[] {
  const { variable, fallback = '' } = rows.passedVariables;
  const own = Object.values<Setting<unknown>>(rows).filter(({ isSecret }) => isSecret);
  const passed = agents.flatMap(({ passedVariables }) => passedVariables);
  return [...own.map((setting) => setting.variable), ...(variables[variable] ?? fallback).split(','), ...passed];
}

/** Parses settings and adds each wrong variable to `problems`; the values are valid only while that is empty. */
function readSettings<Rows extends Readonly<Record<string, Setting<unknown>>>>(
  rows: Rows,
  variables: Variables,
  problems: Map<string, string>,
): Values<Rows> {
  const values = Object.entries(rows).map(([name, setting]) => {
    const raw = variables[setting.variable]?.trim();
    const isSet = raw !== undefined && (raw !== '' || setting.allowsEmpty === true);
    const parsed = setting.parse(isSet ? raw : setting.fallback, variables);
    if ('value' in parsed) return [name, parsed.value];
    problems.set(setting.variable, parsed.expected);
    return [name, undefined];
  });
  return Object.fromEntries(values);
}

/** Checks the rules that go beyond the syntax of a single variable. */
function checkCombinations(config: AppConfig, problems: Map<string, string>): void {
  checkNetwork(config, problems);
  checkCluster(config, problems);
  checkWebhook(config, problems);
  checkThreadStore(config, problems);
  checkOidc(config, problems);
  for (const [name, template] of [
    ['CHIRON_WORKSPACE_TEMPLATE', config.workspaceTemplate],
    ['CHIRON_WORKSPACE_TEMPLATES', config.workspaceTemplates],
    ['CHIRON_HOME_TEMPLATE', config.homeTemplate],
  ] as const) {
    if (template !== undefined && !isReadableFolder(template)) problems.set(name, 'must be a readable folder');
  }
}

/** A credential for a host that no agent can reach is a mistake in one of the two. */
function checkNetwork(
  { sandboxNetwork: network, sandboxAllowedHosts: allowedHosts, toolCredentials }: AppConfig,
  problems: Map<string, string>,
): void {
  if (network === 'none' && (allowedHosts.length > 0 || toolCredentials.length > 0)) {
    const name = allowedHosts.length > 0 ? 'CHIRON_SANDBOX_ALLOWED_HOSTS' : 'CHIRON_CREDENTIALS_FILE';
    problems.set(name, 'has no effect with CHIRON_SANDBOX_NETWORK=none; remove one of the two');
  }
  if (network !== 'allowlist') return;
  if (allowedHosts.length === 0) {
    problems.set('CHIRON_SANDBOX_ALLOWED_HOSTS', 'is required with CHIRON_SANDBOX_NETWORK=allowlist');
    return;
  }
  const unreachable = toolCredentials.findIndex(({ host }) => !allowedHosts.some((rule) => coversRule(rule, host)));
  if (unreachable !== -1) {
    problems.set(
      'CHIRON_CREDENTIALS_FILE',
      `names a file in which credentials[${unreachable}].host is not in CHIRON_SANDBOX_ALLOWED_HOSTS`,
    );
  }
}

function checkWebhook({ webhookUrl, webhookSecret }: AppConfig, problems: Map<string, string>): void {
  if (webhookUrl !== undefined && webhookSecret === undefined)
    problems.set('CHIRON_WEBHOOK_SECRET', 'is required with CHIRON_WEBHOOK_URL');
}

function checkCluster(config: AppConfig, problems: Map<string, string>): void {
  if (config.role !== 'all' && config.databaseUrl === undefined) {
    problems.set(
      'CHIRON_DATABASE_URL',
      `is required with CHIRON_ROLE=${config.role}: servers find each other in PostgreSQL`,
    );
  }
  const files = [
    ['CHIRON_CLUSTER_TLS_CERT_FILE', config.clusterCertFile],
    ['CHIRON_CLUSTER_TLS_KEY_FILE', config.clusterKeyFile],
    ['CHIRON_CLUSTER_TLS_CA_FILE', config.clusterCaFile],
  ] as const;
  if (files.every(([, file]) => file === undefined)) return;
  for (const [name, file] of files) {
    if (file === undefined) problems.set(name, 'is required with the other two of CHIRON_CLUSTER_TLS_*');
  }
  if (config.clusterUrl?.startsWith('http:') === true)
    problems.set('CHIRON_CLUSTER_URL', 'must begin with https with CHIRON_CLUSTER_TLS_*');
}

/** A kind of store that lacks what it needs, or settings without the kind that they are for. */
function checkThreadStore(config: AppConfig, problems: Map<string, string>): void {
  const { threadStore, sharedDirectory, s3Bucket, s3AccessKeyId, s3SecretAccessKey } = config;
  if ((threadStore === 'shared') !== (sharedDirectory !== undefined)) {
    problems.set('CHIRON_SHARED_DIRECTORY', 'is required with CHIRON_THREAD_STORE=shared, and has no effect otherwise');
  } else if (sharedDirectory !== undefined && !isReadableFolder(sharedDirectory)) {
    problems.set('CHIRON_SHARED_DIRECTORY', 'must be a readable folder');
  }
  if ((threadStore === 's3') !== (s3Bucket !== undefined)) {
    problems.set('CHIRON_S3_BUCKET', 'is required with CHIRON_THREAD_STORE=s3, and has no effect otherwise');
  }
  if ((s3AccessKeyId === undefined) !== (s3SecretAccessKey === undefined)) {
    const missing = s3AccessKeyId === undefined ? 'CHIRON_S3_ACCESS_KEY_ID' : 'CHIRON_S3_SECRET_ACCESS_KEY';
    problems.set(missing, 'is required where the other half of the access key is set');
  }
}

function isReadableFolder(path: string): boolean {
  try {
    opendirSync(path).closeSync();
    return true;
  } catch {
    return false;
  }
}

import { opendirSync } from 'node:fs';
import { coversRule } from '../domain/host-rule.js';
import { ConfigurationError } from './configuration-error.js';
import { isLoopback } from './loopback.js';
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
};

/** Injection token of the configuration. */
export const AppConfig = Symbol('AppConfig');

/** What a new message does on a thread whose turn is still running. */
export type BusyPolicy = AppConfig['onBusy'];

/**
 * Parses the configuration from environment variables.
 *
 * @param harnesses the harnesses that settings may refer to.
 * @throws ConfigurationError naming every wrong variable, never a value.
 */
export function readConfig(variables: Variables, harnesses: readonly HarnessSettings[] = []): AppConfig {
  const problems = new Map<string, string>();
  const rows = settings(harnesses);
  const known = readSecretFiles(variables, listSecrets(rows, variables), problems);
  const config: AppConfig = {
    ...readSettings(rows, known, problems),
    programs: readSettings(buildProgramSettings(harnesses), known, problems),
  };
  if (problems.size === 0) checkCombinations(config, problems);
  if (problems.size > 0) throw new ConfigurationError(problems);
  return config;
}

/** The variables that may be given as files: the secrets of the server, and whatever agents get, as that is where their keys are. */
function listSecrets(rows: Settings, variables: Variables): readonly string[] {
  const { variable, fallback = '' } = rows.passedVariables;
  const own = Object.values<Setting<unknown>>(rows).filter(({ isSecret }) => isSecret);
  return [...own.map((setting) => setting.variable), ...(variables[variable] ?? fallback).split(',')];
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
  if (config.apiKeys.length === 0 && !isLoopback(config.host)) {
    problems.set(
      'CHIRON_API_KEYS',
      'is required when HOST is not a loopback address: without keys, anyone who can reach the server could run agents',
    );
  }
  if (config.apiKeys.length === 0 && config.corsOrigins === '*') {
    problems.set(
      'CHIRON_CORS_ORIGINS',
      'must list origins when there are no CHIRON_API_KEYS: with *, any web page could run agents',
    );
  }
  checkNetwork(config, problems);
  for (const [name, template] of [
    ['CHIRON_WORKSPACE_TEMPLATE', config.workspaceTemplate],
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

function isReadableFolder(path: string): boolean {
  try {
    opendirSync(path).closeSync();
    return true;
  } catch {
    return false;
  }
}

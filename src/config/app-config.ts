import { createHash } from 'node:crypto';
import { opendirSync } from 'node:fs';
import { resolve } from 'node:path';
import { HARNESS_NAMES, type HarnessName } from '../harness/harness.js';
import { type ToolBlockSetting, toolBlockSetting } from '../translator/views/tool-blocks.js';
import { type CorsOrigins, parseOrigins } from './cors-origins.js';
import { ConfigurationError, readEnvironment } from './environment.js';
import { isLoopback } from './loopback.js';

/** A key that callers may use. The key itself is not kept. */
export interface ApiKey {
  /** Its name, which is the tenant that its threads belong to. */
  readonly name: string;
  readonly sha256: Buffer;
}

/** Model names of a pattern (`*` stands for anything) that go to a harness. */
export interface ModelRoute {
  readonly pattern: string;
  readonly harness: HarnessName;
}

/** What a new message does on a thread whose turn is still running. */
export type BusyPolicy = 'queue' | 'interrupt' | 'reject';

/** Whether the demo agent answers, see {@link AppConfig.demo}. */
export type DemoPolicy = 'auto' | 'on' | 'off';

/** Everything that a deployment can set, read once at the start. Durations are milliseconds, paths absolute. */
export interface AppConfig {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly dataDirectory: string;
  readonly databaseUrl: string | undefined;
  /** Empty: everybody on this machine may call. */
  readonly apiKeys: readonly ApiKey[];
  readonly corsOrigins: CorsOrigins;
  readonly defaultHarness: HarnessName | 'auto';
  /** Whether the demo agent answers; `auto`: where it is the default harness. */
  readonly demo: DemoPolicy;
  /** `undefined`: the built-in routes, where both CLIs are there and the default harness is `auto`. */
  readonly modelRoutes: readonly ModelRoute[] | undefined;
  readonly claudeCommand: string;
  readonly codexCommand: string;
  readonly callerSystem: 'append' | 'ignore';
  /** Whether a model name that nothing here knows gets the default harness, or a 404. */
  readonly unknownModels: 'default' | 'refuse';
  /** How callers are shown what tools did inside the sandbox, unless they ask for another form. */
  readonly toolBlocks: ToolBlockSetting;
  /** Longest output of a tool that a caller is shown, in characters. */
  readonly toolOutputLimit: number;
  readonly workspaceTemplate: string | undefined;
  readonly homeTemplate: string | undefined;
  /** The variables of the server's environment that are handed to sandboxes, with their values. */
  readonly sandboxEnvironment: Readonly<Record<string, string>>;
  readonly harnessIdleMs: number;
  readonly maxWarmHarnesses: number;
  readonly harnessStallMs: number;
  readonly turnTimeoutMs: number;
  readonly onBusy: BusyPolicy;
  readonly maxQueuedPerThread: number;
  readonly maxConcurrentTurns: number;
  readonly maxWaitingTurns: number;
  readonly syncTimeoutMs: number;
  readonly drainMs: number;
  readonly eventRetentionMs: number;
  readonly eventFlushMs: number;
  /** How long an idle connection is kept for its caller's next request. */
  readonly keepAlive: number;
  readonly maxConnections: number;
}

/** Injection token of the configuration. */
export const AppConfig = Symbol('AppConfig');

/**
 * The configuration in the given variables.
 *
 * @throws ConfigurationError naming every wrong variable, never a value.
 */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): AppConfig {
  const environment = readEnvironment(variables);
  const apiKeys = parseApiKeys(environment.CHIRON_API_KEYS);
  const config: AppConfig = {
    // A literal IPv6 address has brackets in URLs, so people write them here.
    host: environment.HOST.replace(/^\[(.*)\]$/, '$1'),
    port: environment.PORT,
    logLevel: environment.CHIRON_LOG_LEVEL,
    dataDirectory: resolve(environment.CHIRON_DATA_DIR),
    databaseUrl: environment.CHIRON_DATABASE_URL,
    apiKeys,
    corsOrigins: parseOrigins(environment.CHIRON_CORS_ORIGINS),
    defaultHarness: harnessName(environment.CHIRON_DEFAULT_HARNESS) ?? 'auto',
    demo: demoPolicy(environment.CHIRON_DEMO),
    modelRoutes: parseRoutes(environment.CHIRON_MODEL_ROUTES),
    claudeCommand: environment.CHIRON_CLAUDE_BIN,
    codexCommand: environment.CHIRON_CODEX_BIN,
    callerSystem: environment.CHIRON_CALLER_SYSTEM === 'ignore' ? 'ignore' : 'append',
    unknownModels: environment.CHIRON_UNKNOWN_MODELS === 'refuse' ? 'refuse' : 'default',
    toolBlocks: toolBlockSetting(environment.CHIRON_TOOL_BLOCKS) ?? 'auto',
    toolOutputLimit: environment.CHIRON_TOOL_OUTPUT_CHARACTERS,
    workspaceTemplate: absolute(environment.CHIRON_WORKSPACE_TEMPLATE),
    homeTemplate: absolute(environment.CHIRON_HOME_TEMPLATE),
    sandboxEnvironment: pick(variables, environment.CHIRON_SANDBOX_PASSTHROUGH_ENV),
    harnessIdleMs: environment.CHIRON_HARNESS_IDLE_SECONDS * 1000,
    maxWarmHarnesses: environment.CHIRON_MAX_WARM_HARNESSES,
    harnessStallMs: environment.CHIRON_HARNESS_STALL_SECONDS * 1000,
    turnTimeoutMs: environment.CHIRON_TURN_TIMEOUT_SECONDS * 1000,
    onBusy: busyPolicy(environment.CHIRON_ON_BUSY),
    maxQueuedPerThread: environment.CHIRON_MAX_QUEUED_PER_THREAD,
    maxConcurrentTurns: environment.CHIRON_MAX_CONCURRENT_TURNS,
    maxWaitingTurns: environment.CHIRON_MAX_WAITING_TURNS,
    syncTimeoutMs: environment.CHIRON_SYNC_TIMEOUT_SECONDS * 1000,
    drainMs: environment.CHIRON_DRAIN_SECONDS * 1000,
    eventRetentionMs: environment.CHIRON_EVENT_RETENTION_HOURS * 3_600_000,
    eventFlushMs: environment.CHIRON_EVENT_FLUSH_MS,
    keepAlive: environment.CHIRON_KEEP_ALIVE_SECONDS * 1000,
    maxConnections: environment.CHIRON_MAX_CONNECTIONS,
  };
  refuse(config);
  return config;
}

/** The rules that concern more than the form of one variable. */
function refuse(config: AppConfig): void {
  const problems = new Map<string, string>();
  if (config.apiKeys.length === 0 && !isLoopback(config.host)) {
    problems.set(
      'CHIRON_API_KEYS',
      'must be set for HOST to be other than a loopback address: anybody could run agents here',
    );
  }
  if (config.apiKeys.length === 0 && config.corsOrigins === '*') {
    problems.set(
      'CHIRON_CORS_ORIGINS',
      'must name its origins without CHIRON_API_KEYS: every web page could run agents here',
    );
  }
  if (new Set(config.apiKeys.map((key) => key.name)).size !== config.apiKeys.length) {
    problems.set('CHIRON_API_KEYS', 'must not use a name twice: names are tenants');
  }
  for (const [name, path] of [
    ['CHIRON_WORKSPACE_TEMPLATE', config.workspaceTemplate],
    ['CHIRON_HOME_TEMPLATE', config.homeTemplate],
  ] as const) {
    if (path !== undefined && !isReadableFolder(path)) problems.set(name, 'must be a folder that can be read');
  }
  if (problems.size > 0) throw new ConfigurationError(problems);
}

function isReadableFolder(path: string): boolean {
  try {
    opendirSync(path).closeSync();
    return true;
  } catch {
    return false;
  }
}

/** Shortest key, in characters: 24 random ones cannot be guessed over a network, however fast. */
const MIN_KEY_LENGTH = 24;

function parseApiKeys(text: string | undefined): readonly ApiKey[] {
  const keys = (text?.split(',') ?? []).map((entry) => {
    const colon = entry.indexOf(':');
    return { name: entry.slice(0, colon), key: entry.slice(colon + 1) };
  });
  const short = keys.filter(({ key }) => key.length < MIN_KEY_LENGTH).map(({ name }) => name);
  if (short.length > 0) {
    const expected = `must have keys of at least ${MIN_KEY_LENGTH} characters (openssl rand -hex 32), unlike that of ${short.join(', ')}`;
    throw new ConfigurationError(new Map([['CHIRON_API_KEYS', expected]]));
  }
  return keys.map(({ name, key }) => ({ name, sha256: createHash('sha256').update(key).digest() }));
}

function parseRoutes(text: string | undefined): readonly ModelRoute[] | undefined {
  return text?.split(',').flatMap((entry) => {
    const equals = entry.lastIndexOf('=');
    const harness = harnessName(entry.slice(equals + 1));
    return harness === undefined ? [] : [{ pattern: entry.slice(0, equals), harness }];
  });
}

/** The harness of this name, or `undefined` for any other text. */
export function harnessName(text: string): HarnessName | undefined {
  return HARNESS_NAMES.find((name) => name === text);
}

function demoPolicy(text: string): DemoPolicy {
  return text === 'on' || text === 'off' ? text : 'auto';
}

function busyPolicy(text: string): BusyPolicy {
  return text === 'interrupt' || text === 'reject' ? text : 'queue';
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

function pick(
  variables: Readonly<Record<string, string | undefined>>,
  names: string,
): Readonly<Record<string, string>> {
  const entries = names.split(',').flatMap((name) => {
    const value = variables[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

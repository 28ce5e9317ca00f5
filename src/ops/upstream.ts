import { existsSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type AppConfig, listHarnessVariables } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import type { HarnessDefinition } from '../harness/definition.js';
import type { HarnessInfo, HarnessName } from '../harness/harness.js';
import { listHarnesses } from '../harness/harnesses.js';

/** Facts of the machine and the server that the checks of the model providers' settings need. */
export interface UpstreamFacts {
  /** The server's complete environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly available: readonly HarnessInfo[];
  /** Whether a path exists in one of the templates of threads' folders. */
  readonly templateHas: (path: string) => boolean;
}

/** Variables that select a provider. If one is set but not passed on, agents call another provider than intended. */
const PROVIDER_SWITCHES = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'];

/** Warns of settings with which agents cannot reach their models, one sentence each. Never contains a value. */
export function findUpstreamWarnings(config: AppConfig, facts: UpstreamFacts): readonly string[] {
  const isAvailable = (name: HarnessName): boolean => facts.available.some((info) => info.name === name);
  return [
    ...(isAvailable('claude-code') ? anthropicUrlWarnings(config) : []),
    ...(isAvailable('codex') ? openaiUrlWarnings(config) : []),
    ...facts.available.flatMap(({ name }) => loginWarnings(name, config, facts)),
    ...(isAvailable('claude-code') ? switchWarnings(config, facts) : []),
    ...routeWarnings(config, isAvailable),
  ];
}

/**
 * Rejects a configuration in which agents call this server as their model provider: each turn would start another agent, endlessly.
 *
 * @param ownNames host names and addresses of this machine.
 * @throws ConfigurationError
 */
export function assertNoLoop(
  config: AppConfig,
  available: readonly HarnessInfo[],
  ownNames: readonly string[] = namesOfThisMachine(),
): void {
  const addresses = [
    { name: 'claude-code', variable: 'ANTHROPIC_BASE_URL' },
    ...config.agents.flatMap(({ name, provider }) =>
      provider === undefined ? [] : [{ name, variable: provider.urlVariable }],
    ),
  ];
  const problem =
    'is the address of this server: its agents would call it and start agents endlessly. Set it to a model provider, or unset it';
  const own = addresses.filter(
    ({ name, variable }) =>
      available.some((info) => info.name === name) &&
      leadsHere(config, listHarnessVariables(config, name)[variable], ownNames),
  );
  if (own.length > 0) throw new ConfigurationError(new Map(own.map(({ variable }) => [variable, problem])));
}

/** Collects the facts of this machine. */
export function collectUpstreamFacts(
  config: AppConfig,
  variables: UpstreamFacts['variables'],
  available: readonly HarnessInfo[],
): UpstreamFacts {
  // Claude Code also reads the settings of its workspace.
  const templates = [config.homeTemplate, config.workspaceTemplate].filter((template) => template !== undefined);
  return {
    variables,
    available,
    templateHas: (path) => templates.some((template) => existsSync(join(template, path))),
  };
}

function anthropicUrlWarnings({ passedVariables }: AppConfig): readonly string[] {
  const text = passedVariables['ANTHROPIC_BASE_URL'];
  if (text === undefined) return [];
  const url = httpUrl(text);
  if (url === undefined) return ['ANTHROPIC_BASE_URL is not an http(s) URL: Claude Code cannot reach its model.'];
  return /\/v1\/?$/.test(url.pathname)
    ? ['ANTHROPIC_BASE_URL ends in /v1, and Claude Code adds /v1/messages to it: leave /v1 out.']
    : [];
}

function openaiUrlWarnings(config: AppConfig): readonly string[] {
  const text = config.passedVariables['OPENAI_BASE_URL'];
  if (text === undefined) return [];
  if (httpUrl(text) === undefined) return ['OPENAI_BASE_URL is not an http(s) URL: Codex cannot reach its model.'];
  return leadsHere(config, text, namesOfThisMachine())
    ? ['OPENAI_BASE_URL is the address of this server, which has no model that Codex could ask.']
    : [];
}

function loginWarnings(harness: HarnessName, config: AppConfig, facts: UpstreamFacts): readonly string[] {
  const { login, displayName } = definitionOf(harness, config) ?? {};
  if (login === undefined) return [];
  if (listLogins(login, listHarnessVariables(config, harness), facts).length > 0) return [];
  const notPassed = login.variables.find((name) => (facts.variables[name] ?? '') !== '');
  return notPassed === undefined
    ? [
        `${displayName} has no login: none of ${login.variables.join(', ')} is set, and the templates have no credentials.`,
      ]
    : [`${displayName} has no login: ${notPassed} is set, but CHIRON_SANDBOX_PASSTHROUGH_ENV does not name it.`];
}

/**
 * The variables and the files of the templates with which a harness can log in to its model provider. Never a value.
 *
 * @param variables those that its processes get
 */
export function listLogins(
  login: NonNullable<HarnessDefinition['login']>,
  variables: Readonly<Record<string, string>>,
  { templateHas }: Pick<UpstreamFacts, 'templateHas'>,
): readonly string[] {
  const isSet = login.variables.filter((name) => variables[name] !== undefined);
  return [...isSet, ...login.files.filter(templateHas)];
}

function switchWarnings({ passedVariables }: AppConfig, { variables }: UpstreamFacts): readonly string[] {
  return PROVIDER_SWITCHES.filter((name) => (variables[name] ?? '') !== '' && passedVariables[name] === undefined).map(
    (name) => `${name} is set, but CHIRON_SANDBOX_PASSTHROUGH_ENV does not name it: agents do not see it.`,
  );
}

function routeWarnings(config: AppConfig, isAvailable: (name: HarnessName) => boolean): readonly string[] {
  const missing = new Set(
    (config.modelRoutes ?? []).map(({ harness }) => harness).filter((name) => !isAvailable(name)),
  );
  return [...missing].map((name) =>
    definitionOf(name, config)?.isDemo === true
      ? `CHIRON_MODEL_ROUTES leads to ${name}, which answers only where it is the default or CHIRON_DEMO is on: its models get 404.`
      : `CHIRON_MODEL_ROUTES leads to ${name}, which was not found: its models get 404.`,
  );
}

function definitionOf(name: HarnessName, config: AppConfig): HarnessDefinition | undefined {
  return listHarnesses(config).find((harness) => harness.name === name);
}

/** Whether a URL in the agents' environment is the address of this server. False when the system chooses the port, which is then unknown. */
function leadsHere(config: AppConfig, text: string | undefined, ownNames: readonly string[]): boolean {
  const url = httpUrl(text ?? '');
  if (url === undefined) return false;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return port === config.port && [config.host, ...ownNames].includes(host);
}

function namesOfThisMachine(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  return ['localhost', '0.0.0.0', '::', hostname().toLowerCase(), ...addresses];
}

function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}

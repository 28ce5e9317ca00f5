import { existsSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import type { HarnessDefinition } from '../harness/definition.js';
import type { HarnessInfo, HarnessName } from '../harness/harness.js';
import { HARNESSES } from '../harness/harnesses.js';

/** What is known of the machine and the server when the settings of the agents' model providers are checked. */
export interface UpstreamFacts {
  /** The server's whole environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly found: readonly HarnessInfo[];
  /** Whether a path is there below one of the templates of threads' folders. */
  readonly templateHas: (path: string) => boolean;
}

/** Variables that choose a provider: where one is set and not passed on, the agents ask another provider than the one that was meant. */
const PROVIDER_SWITCHES = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'];

/** Settings with which agents cannot reach their models, one sentence each. Never holds a value. */
export function upstreamWarnings(config: AppConfig, facts: UpstreamFacts): readonly string[] {
  const isHere = (name: HarnessName): boolean => facts.found.some((info) => info.name === name);
  return [
    ...(isHere('claude-code') ? anthropicUrlWarnings(config) : []),
    ...(isHere('codex') ? openaiUrlWarnings(config) : []),
    ...facts.found.flatMap(({ name }) => loginWarnings(name, config, facts)),
    ...(isHere('claude-code') ? switchWarnings(config, facts) : []),
    ...routeWarnings(config, isHere),
  ];
}

/**
 * Refuses a server whose agents would ask the server itself: each turn would start another agent, without an end.
 *
 * @param ownNames names and addresses of this machine.
 * @throws ConfigurationError
 */
export function refuseLoop(
  config: AppConfig,
  found: readonly HarnessInfo[],
  ownNames: readonly string[] = namesOfThisMachine(),
): void {
  if (!found.some(({ name }) => name === 'claude-code') || !leadsHere(config, 'ANTHROPIC_BASE_URL', ownNames)) return;
  const problem =
    'is the address of this server: its agents would call it and start agents endlessly. Set it to a model provider, or unset it';
  throw new ConfigurationError(new Map([['ANTHROPIC_BASE_URL', problem]]));
}

/** The facts of this machine. */
export function upstreamFacts(
  config: AppConfig,
  variables: UpstreamFacts['variables'],
  found: readonly HarnessInfo[],
): UpstreamFacts {
  // Claude Code reads the settings of its workspace, too.
  const templates = [config.homeTemplate, config.workspaceTemplate].filter((template) => template !== undefined);
  return { variables, found, templateHas: (path) => templates.some((template) => existsSync(join(template, path))) };
}

function anthropicUrlWarnings({ sandboxEnvironment }: AppConfig): readonly string[] {
  const text = sandboxEnvironment['ANTHROPIC_BASE_URL'];
  if (text === undefined) return [];
  const url = httpUrl(text);
  if (url === undefined) return ['ANTHROPIC_BASE_URL is not an http(s) URL: Claude Code cannot reach its model.'];
  return /\/v1\/?$/.test(url.pathname)
    ? ['ANTHROPIC_BASE_URL ends in /v1, and Claude Code adds /v1/messages to it: leave /v1 out.']
    : [];
}

function openaiUrlWarnings(config: AppConfig): readonly string[] {
  const text = config.sandboxEnvironment['OPENAI_BASE_URL'];
  if (text === undefined) return [];
  if (httpUrl(text) === undefined) return ['OPENAI_BASE_URL is not an http(s) URL: Codex cannot reach its model.'];
  return leadsHere(config, 'OPENAI_BASE_URL', namesOfThisMachine())
    ? ['OPENAI_BASE_URL is the address of this server, which has no model that Codex could ask.']
    : [];
}

function loginWarnings(harness: HarnessName, config: AppConfig, facts: UpstreamFacts): readonly string[] {
  const { login, displayName } = definitionOf(harness) ?? {};
  if (login === undefined) return [];
  const isPassed = login.variables.some((name) => config.sandboxEnvironment[name] !== undefined);
  if (isPassed || login.files.some(facts.templateHas)) return [];
  const kept = login.variables.find((name) => (facts.variables[name] ?? '') !== '');
  return kept === undefined
    ? [
        `${displayName} has no login: none of ${login.variables.join(', ')} is set, and the templates have no credentials.`,
      ]
    : [`${displayName} has no login: ${kept} is set, but CHIRON_SANDBOX_PASSTHROUGH_ENV does not name it.`];
}

function switchWarnings({ sandboxEnvironment }: AppConfig, { variables }: UpstreamFacts): readonly string[] {
  return PROVIDER_SWITCHES.filter(
    (name) => (variables[name] ?? '') !== '' && sandboxEnvironment[name] === undefined,
  ).map((name) => `${name} is set, but CHIRON_SANDBOX_PASSTHROUGH_ENV does not name it: agents do not see it.`);
}

function routeWarnings(config: AppConfig, isHere: (name: HarnessName) => boolean): readonly string[] {
  const missing = new Set((config.modelRoutes ?? []).map(({ harness }) => harness).filter((name) => !isHere(name)));
  return [...missing].map((name) =>
    definitionOf(name)?.isDemo === true
      ? `CHIRON_MODEL_ROUTES leads to ${name}, which answers only where it is the default or CHIRON_DEMO is on: its models get 404.`
      : `CHIRON_MODEL_ROUTES leads to ${name}, which was not found: its models get 404.`,
  );
}

function definitionOf(name: HarnessName): HarnessDefinition | undefined {
  return HARNESSES.find((harness) => harness.name === name);
}

/** Whether agents are handed a URL that is the address of this server; unknown, and so false, when the system chooses the port. */
function leadsHere(config: AppConfig, variable: string, ownNames: readonly string[]): boolean {
  const url = httpUrl(config.sandboxEnvironment[variable] ?? '');
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

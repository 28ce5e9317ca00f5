import { namesCallers } from '../config/api-keys.js';
import type { AppConfig } from '../config/app-config.js';
import type { HarnessInfo, HarnessName } from '../harness/harness.js';

/** Facts of the running server for the summary. */
export interface StartFacts {
  /** The server's URL. */
  readonly url: string;
  readonly available: readonly HarnessInfo[];
  readonly defaultHarness: HarnessName;
  /** Whether the store has had a key, so that requests need one. */
  readonly hasStoredKeys: boolean;
  /** Which sandbox holds; see `Sandbox.description`. */
  readonly sandbox: string;
  /** Which means hold the limits of agents, one sentence each. */
  readonly limits?: readonly string[];
  /** Settings that cannot work, one sentence each. */
  readonly warnings?: readonly string[];
}

/** The lines that the server prints once it is ready, without keys and passwords. */
export function renderStartSummary(config: AppConfig, facts: StartFacts): string {
  const harnesses = facts.available.map(({ name, version }) => {
    const mark = name === facts.defaultHarness ? ' (default)' : '';
    return `${name} ${version}${mark}`;
  });
  const rows: readonly (readonly [string, string])[] = [
    ['address', facts.url],
    ['store', config.databaseUrl === undefined ? 'SQLite in the data folder' : 'PostgreSQL'],
    ['data', config.dataDirectory],
    ['harnesses', harnesses.join(', ')],
    ['sandbox', facts.sandbox],
    ['spares', describeSpares(config)],
    ['keys', describeKeys(config, facts.hasStoredKeys)],
  ];
  const key = namesCallers(config) || facts.hasStoredKeys ? '<one of your keys>' : 'none';
  return [
    'Chiron is ready',
    // Control characters of a path must not break the line.
    ...rows.map(([name, value]) => `  ${name.padEnd(10)} ${value.replaceAll(/\p{Cc}/gu, '?')}`),
    ...(facts.limits ?? []).map((limit) => `  ${'limits'.padEnd(10)} ${limit}`),
    ...(facts.warnings ?? []).map((warning) => `  ${'warning'.padEnd(10)} ${warning}`),
    '  Point Claude Code at it:',
    `    ANTHROPIC_BASE_URL=${facts.url} ANTHROPIC_API_KEY=${key} claude`,
    '',
  ].join('\n');
}

/** How many processes are started ahead for new threads. */
function describeSpares({ poolSize, role }: AppConfig): string {
  if (poolSize === 0 || role === 'gateway') return 'none: the agent of a new thread starts with its first message';
  return poolSize === 'auto' ? 'as many as new threads need' : `${poolSize} per agent that is used`;
}

/** Whether callers need a key, and which ones there are. */
export function describeKeys({ apiKeys, oidcIssuer }: AppConfig, hasStoredKeys: boolean): string {
  if (!namesCallers({ apiKeys, oidcIssuer }) && !hasStoredKeys) return 'not required; loopback only';
  const others = [
    ...(hasStoredKeys ? ['others in the store'] : []),
    ...(oidcIssuer === undefined ? [] : [`or a token of ${oidcIssuer}`]),
  ];
  return `required (${[`${apiKeys.length} configured`, ...others].join(', ')})`;
}

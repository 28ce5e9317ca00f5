import { type AppConfig, listHarnessVariables } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import type { ModelProvider } from '../broker/model-provider.js';
import type { HarnessDefinition } from '../harness/definition.js';
import { listLogins } from '../ops/upstream.js';
import type { SandboxChoice } from '../sandbox/kinds.js';

/**
 * Rejects a server that would run the agents of several tenants without isolation, unless the operator has named that kind of sandbox: each tenant could
 * read what the others' agents read and write.
 *
 * @param storedTenants the tenants with keys in the store.
 * @throws ConfigurationError
 */
export function assertIsolatesTenants(
  { apiKeys, oidcIssuer, sandboxKind }: Pick<AppConfig, 'apiKeys' | 'oidcIssuer' | 'sandboxKind'>,
  { sandbox, name, problems }: SandboxChoice,
  storedTenants: readonly string[],
): void {
  const tenants = new Set([...apiKeys.map((key) => key.name), ...storedTenants]);
  // Tokens may name any number of tenants.
  const hasSeveral = tenants.size > 1 || oidcIssuer !== undefined;
  if (sandbox.isolates || !hasSeveral || sandboxKind === name) return;
  const problem = `must be named (${name}) to run the agents of several tenants without isolation, as nothing stronger works here`;
  throw new ConfigurationError(new Map([['CHIRON_SANDBOX', [problem, ...listProblems(problems)].join('. ')]]));
}

/** Warns of stronger kinds of sandbox that do not work here, a sentence or two each. */
export function findIsolationWarnings({ name, problems }: SandboxChoice): readonly string[] {
  return listProblems(problems).map((problem) => `the sandbox is ${name}, as a stronger one does not work. ${problem}`);
}

function listProblems(problems: SandboxChoice['problems']): readonly string[] {
  return Object.entries(problems).map(([kind, problem]) => `${kind}: ${problem}`);
}

/** What the warnings about credentials depend on. */
export interface CredentialFacts {
  readonly config: Pick<AppConfig, 'passedVariables' | 'agentVariables'>;
  readonly isolates: boolean;
  /** The harnesses that this server can run. */
  readonly available: readonly HarnessDefinition[];
  readonly isServed: (provider: ModelProvider) => boolean;
  /** Whether a path exists in one of the templates. */
  readonly templateHas: (path: string) => boolean;
}

/** Warns of isolated agents that hold the deployment's credentials and go past the broker, as it does not serve their model provider. */
export function findCredentialWarnings({ config, isolates, available, ...facts }: CredentialFacts): readonly string[] {
  if (!isolates) return [];
  return available.flatMap(({ name, displayName, provider, login }) => {
    if (login === undefined || (provider !== undefined && facts.isServed(provider))) return [];
    const found = listLogins(login, listHarnessVariables(config, name), facts);
    return found.length > 0
      ? [
          `agents of ${displayName} ask their model past the broker (${found.join(', ')}): they can read its credentials, and neither CHIRON_ALLOWED_MODELS nor CHIRON_TURN_TOKEN_LIMIT holds for them. See "Keys" in docs/security.md.`,
        ]
      : [];
  });
}

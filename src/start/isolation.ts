import type { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import type { ModelProvider } from '../broker/model-provider.js';
import type { HarnessDefinition } from '../harness/definition.js';
import type { SandboxChoice } from '../sandbox/kinds.js';

/**
 * Rejects a server that would run the agents of several tenants without isolation, unless the operator has named that kind of sandbox: each tenant could
 * read what the others' agents read and write.
 *
 * @throws ConfigurationError
 */
export function assertIsolatesTenants(
  { apiKeys, sandboxKind }: Pick<AppConfig, 'apiKeys' | 'sandboxKind'>,
  { sandbox, name, problems }: SandboxChoice,
): void {
  if (sandbox.isolates || apiKeys.length < 2 || sandboxKind === name) return;
  const problem = `must be named (${name}) to run the agents of several keys without isolation, as nothing stronger works here`;
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
  readonly config: Pick<AppConfig, 'passedVariables'>;
  readonly isolates: boolean;
  /** The harnesses that this server can run. */
  readonly available: readonly HarnessDefinition[];
  readonly isServed: (provider: ModelProvider) => boolean;
  /** Whether a path exists in one of the templates. */
  readonly templateHas: (path: string) => boolean;
}

/** Warns of isolated agents that hold the deployment's credentials, as the broker does not serve their model provider. */
export function findCredentialWarnings({ config, isolates, available, ...facts }: CredentialFacts): readonly string[] {
  if (!isolates) return [];
  return available.flatMap(({ displayName, provider, login }) => {
    if (login === undefined || (provider !== undefined && facts.isServed(provider))) return [];
    const hasLogin =
      login.variables.some((name) => config.passedVariables[name] !== undefined) || login.files.some(facts.templateHas);
    return hasLogin
      ? [
          `agents of ${displayName} can read its credentials: the broker does not have them. See "Keys" in docs/security.md.`,
        ]
      : [];
  });
}

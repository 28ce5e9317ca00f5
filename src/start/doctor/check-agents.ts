import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findUpstreams, usesBroker } from '../../broker/provider-facts.js';
import { type AppConfig, listHarnessVariables } from '../../config/app-config.js';
import { findAgentProgram } from '../../harness/agent-program.js';
import { assertUsableTemplates } from '../../harness/assert-templates.js';
import type { HarnessDefinition } from '../../harness/definition.js';
import { HarnessRegistry } from '../../harness/harness.registry.js';
import { listHarnesses } from '../../harness/harnesses.js';
import { toSandboxOptions } from '../../harness/sandbox-options.js';
import { assertNoLoop, collectUpstreamFacts, findUpstreamWarnings, listLogins } from '../../ops/upstream.js';
import { chooseSandbox, type SandboxChoice, SANDBOXES, SandboxUnavailableError } from '../../sandbox/kinds.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { findCredentialWarnings, findIsolationWarnings } from '../isolation.js';
import type { ModelAddress } from './check-network.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { listRefusals } from './refusals.js';

/** Longer than at a start: nobody waits for the server, and agents of the file take some seconds. */
const VERSION_MS = 20_000;

/** What was found out about the sandbox and the agents in it. */
export interface AgentReport {
  readonly findings: readonly Finding[];
  /** `undefined` when no sandbox works. */
  readonly choice: SandboxChoice | undefined;
  /** Where the models of its agents are asked, as far as it is known without them. */
  readonly addresses: readonly ModelAddress[];
}

/**
 * Looks at the sandbox and the agents as a server that starts does. The sandbox gets a folder of its own: another server may use the data
 * folder.
 */
export async function checkAgents(config: AppConfig): Promise<AgentReport> {
  const folder = await mkdtemp(join(tmpdir(), 'chiron-doctor-'));
  try {
    // The users of threads pass through it.
    await chmod(folder, 0o711);
    const options = toSandboxOptions({ ...config, toolCredentials: [], dataDirectory: folder });
    const choice = await chooseSandbox(options, SANDBOXES);
    try {
      return await inspect(config, choice);
    } finally {
      await choice.sandbox.close();
    }
  } catch (error) {
    if (!(error instanceof SandboxUnavailableError)) throw error;
    const remedy = 'Do what it says, or set CHIRON_SANDBOX to another kind, see docs/security.md.';
    return { findings: [problem('sandbox', error.message, remedy)], choice: undefined, addresses: [] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inspect(config: AppConfig, choice: SandboxChoice): Promise<AgentReport> {
  const { sandbox } = choice;
  const harnesses = listHarnesses(config);
  const registry = new HarnessRegistry(harnesses, sandbox, config);
  const refusals = [
    ...(await listRefusals('agents', () => registry.probeAll())),
    ...(await listRefusals('settings', () => assertNoLoop(config, registry.available))),
    ...(await listRefusals('settings', () => assertUsableTemplates(config, { warn: () => undefined }))),
  ];
  const available = harnesses.filter(({ name }) => registry.available.some((info) => info.name === name));
  const programs = harnesses.filter(({ name }) => config.programs[name] !== undefined);
  const versions = programs.map(async (definition) => {
    const version = registry.available.find(({ name }) => name === definition.name)?.version;
    return checkProgram(definition, version, config, sandbox);
  });
  const facts = collectUpstreamFacts(config, process.env, registry.available);
  const providers = available.flatMap(({ provider }) => provider ?? []);
  const upstreams = await findUpstreams(providers, config, sandbox);
  const findings = [
    ...describeSandbox(choice),
    ...(await sandbox.warnings()).map((text) => warning('sandbox', `${text}.`)),
    ...(await Promise.all(versions)),
    ...describeDefault(registry, refusals.length > 0),
    ...refusals,
    // A gateway runs no agents, and needs no login of theirs.
    ...(config.role === 'gateway'
      ? []
      : [
          ...available.flatMap((definition) =>
            describeLogin(
              definition,
              listLogins(definition.login ?? NONE, listHarnessVariables(config, definition.name), facts),
            ),
          ),
          ...findUpstreamWarnings(config, facts).map((text) => warning('agents', text, LOGIN_REMEDY)),
          ...findCredentialWarnings({
            config,
            isolates: sandbox.isolates,
            available,
            isServed: (provider) => usesBroker(config, sandbox) && upstreams.has(provider),
            templateHas: facts.templateHas,
          }).map((text) => warning('agents', text)),
        ]),
  ];
  const addresses = available.flatMap(({ displayName, provider }) => {
    const baseUrl = provider === undefined ? undefined : upstreams.get(provider)?.baseUrl;
    return baseUrl === undefined ? [] : [{ displayName, baseUrl }];
  });
  return { findings, choice, addresses };
}

const NONE = { variables: [], files: [] };
const LOGIN_REMEDY = 'See "Agents" in docs/configuration.md.';

function describeSandbox(choice: SandboxChoice): readonly Finding[] {
  const { sandbox } = choice;
  const warnings = findIsolationWarnings(choice);
  const remedy = 'Install or allow what it names, see docs/security.md.';
  return [
    sandbox.isolates
      ? ok('sandbox', `${sandbox.description}.`)
      : warning('sandbox', `${sandbox.description}: agents are not kept from the server.`, 'See docs/security.md.'),
    ...warnings.map((text) => warning('sandbox', text, remedy)),
    ...sandbox.describeLimits().map((text) => ok('sandbox', `Limits: ${text}.`)),
  ];
}

/** Which agent answers models without a route; nothing where the start is refused, as there may be none. */
function describeDefault(registry: HarnessRegistry, isRefused: boolean): readonly Finding[] {
  if (isRefused) return [];
  const { displayName = '', isDemo } = registry.definition(registry.defaultHarness) ?? {};
  return isDemo === true
    ? [warning('agents', `${displayName} answers by default: a shell without a model, to try the server.`)]
    : [ok('agents', `${displayName} answers by default.`)];
}

function describeVersion({ displayName, npmPackage, name }: HarnessDefinition, version: string): Finding {
  if (npmPackage === undefined) return ok('agents', `${displayName} ${version} was found.`);
  if (npmPackage.version === version) {
    return ok('agents', `${displayName} ${version} works, the version that this Chiron is tested with.`);
  }
  const message = `${displayName} ${version} works; this Chiron is tested with ${npmPackage.version}.`;
  return warning('agents', message, `For the tested one: chiron agents install ${name}`);
}

/** @param version what the start has found; `undefined` for nothing. Of an agent of the file, it has looked at the package only. */
async function checkProgram(
  definition: HarnessDefinition,
  version: string | undefined,
  config: AppConfig,
  sandbox: Sandbox,
): Promise<Finding> {
  const { name, displayName, program, npmPackage } = definition;
  const setting = program === undefined ? 'its command in CHIRON_AGENTS_FILE' : program.variable;
  const command = findAgentProgram(config.programs[name] ?? '', config.agentsDirectory);
  const wasAsked = program !== undefined || npmPackage === undefined;
  if (version !== undefined && wasAsked) return describeVersion(definition, version);
  const run = await sandbox.run(command, ['--version'], VERSION_MS);
  if (version !== undefined && run.kind === 'done') return describeVersion(definition, version);
  const install = npmPackage === undefined ? '' : `chiron agents install ${name}, or `;
  const remedy = `${install}set ${setting} to its path.`;
  if (run.kind === 'missing') return warning('agents', `${displayName} was not found.`, remedy);
  const reason = run.kind === 'failed' ? run.problem : 'prints no version';
  return warning('agents', `${displayName} does not work in the sandbox: ${command} --version ${reason}.`, remedy);
}

function describeLogin({ displayName }: HarnessDefinition, logins: readonly string[]): readonly Finding[] {
  return logins.length === 0 ? [] : [ok('agents', `${displayName} has a login: ${logins.join(', ')}.`)];
}

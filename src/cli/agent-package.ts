import { AGENT_PRESETS } from '../config/agent-presets.js';
import type { AppConfig } from '../config/app-config.js';
import { toAcpDefinition } from '../harness/acp/definition.js';
import type { HarnessDefinition, Harnesses } from '../harness/definition.js';
import { listHarnesses } from '../harness/harnesses.js';

/** The npm package of an agent, to be installed. */
export interface AgentPackage {
  /** The name of its harness. */
  readonly name: string;
  readonly displayName: string;
  /** The package with its version, as npm takes it: `@openai/codex@0.169.0`. */
  readonly spec: string;
  /** The name of its program. */
  readonly program: string;
  readonly testedVersion: string;
  /** The variable with the key of its model provider; `undefined` if it has none. */
  readonly keyVariable: string | undefined;
}

/** Exact versions only: what a range or a tag installs changes from day to day. */
const VERSION_PATTERN = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/** The harnesses whose agents can be installed: those of the deployment, and those of presets that it does not have yet. */
export function listInstallableHarnesses(config: Pick<AppConfig, 'agents'>): Harnesses {
  const configured = listHarnesses(config);
  const presets = Object.entries(AGENT_PRESETS)
    .filter(([name]) => configured.every((harness) => harness.name !== name))
    .map(([name, preset]) => toAcpDefinition({ name, models: [], ...preset }));
  return [...configured, ...presets];
}

/**
 * Finds the npm package of an agent by the name of its harness, at the tested version unless `name@<version>` names another one.
 *
 * @throws with a sentence for the user when no such agent can be installed.
 */
export function parseAgentPackage(text: string, harnesses: readonly HarnessDefinition[]): AgentPackage {
  const [name = '', version, ...rest] = text.split('@');
  const definition = harnesses.find((harness) => harness.name === name);
  const program = definition?.npmPackage?.program ?? definition?.program?.fallback;
  if (definition?.npmPackage === undefined || program === undefined) {
    const known = harnesses.flatMap(({ name, npmPackage }) => (npmPackage === undefined ? [] : [name]));
    throw new Error(`Chiron cannot install ${name}: it knows the agents ${known.join(', ')}.`);
  }
  const { displayName, npmPackage, login } = definition;
  if (rest.length > 0 || (version !== undefined && !VERSION_PATTERN.test(version))) {
    throw new Error(`Chiron cannot install ${text}: the version must be exact, as in ${name}@${npmPackage.version}.`);
  }
  return {
    name,
    displayName,
    spec: `${npmPackage.name}@${version ?? npmPackage.version}`,
    program,
    testedVersion: npmPackage.version,
    keyVariable: login?.variables[0],
  };
}

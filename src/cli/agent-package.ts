import type { HarnessDefinition } from '../harness/definition.js';

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

/**
 * Finds the npm package of an agent by the name of its harness, at the tested version unless `name@<version>` names another one.
 *
 * @throws with a sentence for the user when no such agent can be installed.
 */
export function parseAgentPackage(text: string, harnesses: readonly HarnessDefinition[]): AgentPackage {
  const [name = '', version, ...rest] = text.split('@');
  const definition = harnesses.find((harness) => harness.name === name);
  if (definition?.npmPackage === undefined || definition.program === undefined) {
    const known = harnesses.flatMap(({ name, npmPackage }) => (npmPackage === undefined ? [] : [name]));
    throw new Error(`Chiron cannot install ${name}: it knows the agents ${known.join(', ')}.`);
  }
  const { displayName, npmPackage, program, login } = definition;
  if (rest.length > 0 || (version !== undefined && !VERSION_PATTERN.test(version))) {
    throw new Error(`Chiron cannot install ${text}: the version must be exact, as in ${name}@${npmPackage.version}.`);
  }
  return {
    name,
    displayName,
    spec: `${npmPackage.name}@${version ?? npmPackage.version}`,
    program: program.fallback,
    testedVersion: npmPackage.version,
    keyVariable: login?.variables[0],
  };
}

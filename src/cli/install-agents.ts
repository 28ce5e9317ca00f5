import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { JsonObject } from '../domain/harness-event.js';
import { parseObject } from '../domain/json.js';
import { agentProgramsFolder } from '../harness/agent-program.js';
import { HARNESSES } from '../harness/harnesses.js';
import type { Harnesses } from '../harness/definition.js';
import { readConfig } from '../config/app-config.js';
import { readEnvFile } from '../start/env-file.js';
import { makeFolder } from '../storage/database/data-folder.js';
import { type AgentPackage, listInstallableHarnesses, parseAgentPackage } from './agent-package.js';
import { installPackages } from './npm.js';
import { readProgramVersion } from './program-version.js';

/** The name in the `package.json` of an agents' folder, by which it is told from a project of somebody's. */
const FOLDER_NAME = 'chiron-agents';

/** The packages that may run scripts of their own, and no others, as npm takes them. */
function listScripts(harnesses: Harnesses): JsonObject {
  const names = harnesses.flatMap(({ npmPackage }) => (npmPackage?.hasInstallScript === true ? [npmPackage.name] : []));
  return Object.fromEntries(names.map((name) => [name, true]));
}

/**
 * Installs agents into the folder where the server looks for their programs, or into another one, and runs each once.
 *
 * @param names harness names, each with `@<version>` for another version than the tested one
 * @param print gets the lines for the user, without their ends
 * @throws with a sentence for the user when one cannot be installed; what the folder had then stays as it was.
 */
export async function installAgents(
  names: readonly string[],
  directory: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  readEnvFile('.env', process.env);
  const config = readConfig(process.env, HARNESSES);
  const harnesses = listInstallableHarnesses(config);
  const packages = names.map((name) => parseAgentPackage(name, harnesses));
  const configured = config.agentsDirectory;
  const folder = directory === undefined ? configured : resolve(directory);
  // A server that runs as root starts agents as other users, who have to be able to read their programs.
  process.umask(0o022);
  await prepareFolder(folder, listScripts(harnesses));
  print(`Installing ${packages.map(({ spec }) => spec).join(' and ')} from npm into ${folder}`);
  await installPackages(
    folder,
    packages.map(({ spec }) => spec),
  );
  const versions = await Promise.all(packages.map((one) => readVersion(folder, one)));
  for (const [index, { name, testedVersion }] of packages.entries()) {
    const version = versions[index] ?? '';
    print(`  ${name} ${version}${version === testedVersion ? '' : ` (this Chiron is tested with ${testedVersion})`}`);
  }
  print(
    folder === configured
      ? 'A server that starts in this folder finds them.'
      : `Start the server with CHIRON_AGENTS_DIR=${folder} for it to find them.`,
  );
  for (const { displayName, keyVariable } of packages) {
    if (keyVariable !== undefined && (process.env[keyVariable] ?? '') === '')
      print(`${displayName} needs a key or a login: set ${keyVariable}, or see docs/configuration.md.`);
  }
}

/**
 * Makes the folder an npm project of its own, in which only the scripts of the agents' packages may run.
 *
 * @throws when it is somebody else's project.
 */
async function prepareFolder(folder: string, allowScripts: JsonObject): Promise<void> {
  const file = join(folder, 'package.json');
  const write = (manifest: JsonObject, flag: 'w' | 'wx') =>
    writeFile(file, `${JSON.stringify({ ...manifest, allowScripts }, undefined, 2)}\n`, { flag });
  try {
    await makeFolder(folder);
    await write({ name: FOLDER_NAME, private: true }, 'wx');
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new Error(`Chiron cannot install into ${folder}: ${String(error)}`, { cause: error });
    }
  }
  const manifest = parseObject(await readFile(file, 'utf8'));
  if (manifest?.['name'] !== FOLDER_NAME)
    throw new Error(`Chiron cannot install into ${folder}: it is the folder of another project.`);
  // A folder of an earlier version knows fewer packages.
  await write(manifest, 'w');
}

async function readVersion(folder: string, { name, program }: AgentPackage): Promise<string> {
  const file = join(agentProgramsFolder(folder), program);
  const version = await readProgramVersion(file);
  if ('problem' in version) throw new Error(`Chiron installed ${name}, but ${file} --version ${version.problem}`);
  return version.version;
}

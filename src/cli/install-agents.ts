import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { agentProgramsFolder } from '../harness/agent-program.js';
import { HARNESSES } from '../harness/harnesses.js';
import { readConfig } from '../config/app-config.js';
import { readEnvFile } from '../start/env-file.js';
import { makeFolder } from '../storage/database/data-folder.js';
import { type AgentPackage, parseAgentPackage } from './agent-package.js';
import { installPackages } from './npm.js';
import { readProgramVersion } from './program-version.js';

/** The name in the `package.json` of an agents' folder, by which it is told from a project of somebody's. */
const FOLDER_NAME = 'chiron-agents';

/** Only these packages may run scripts of their own. */
const SCRIPTS = HARNESSES.flatMap(({ npmPackage }) => (npmPackage?.hasInstallScript === true ? [npmPackage.name] : []));

const MANIFEST = {
  name: FOLDER_NAME,
  private: true,
  allowScripts: Object.fromEntries(SCRIPTS.map((name) => [name, true])),
};

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
  const packages = names.map((name) => parseAgentPackage(name, HARNESSES));
  readEnvFile('.env', process.env);
  const configured = readConfig(process.env, HARNESSES).agentsDirectory;
  const folder = directory === undefined ? configured : resolve(directory);
  // A server that runs as root starts agents as other users, who have to be able to read their programs.
  process.umask(0o022);
  await prepareFolder(folder);
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
async function prepareFolder(folder: string): Promise<void> {
  const file = join(folder, 'package.json');
  try {
    await makeFolder(folder);
    await writeFile(file, `${JSON.stringify(MANIFEST, undefined, 2)}\n`, { flag: 'wx' });
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new Error(`Chiron cannot install into ${folder}: ${String(error)}`, { cause: error });
    }
  }
  if (!isAgentsFolder(await readFile(file, 'utf8')))
    throw new Error(`Chiron cannot install into ${folder}: it is the folder of another project.`);
}

function isAgentsFolder(manifest: string): boolean {
  try {
    const parsed: unknown = JSON.parse(manifest);
    return typeof parsed === 'object' && parsed !== null && 'name' in parsed && parsed.name === FOLDER_NAME;
  } catch {
    return false;
  }
}

async function readVersion(folder: string, { name, program }: AgentPackage): Promise<string> {
  const file = join(agentProgramsFolder(folder), program);
  const version = await readProgramVersion(file);
  if ('problem' in version) throw new Error(`Chiron installed ${name}, but ${file} --version ${version.problem}`);
  return version.version;
}

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newFolder } from '../../clients/support/folders.js';
import type { Rig } from '../../clients/support/rig.js';
import { type RunningServer, startServer } from '../../support/running-server.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import type { RealAgent } from './agents.js';

/**
 * Starts Chiron with one real agent, in front of a scripted model. `environment` is added to the server's, and `entry` to that of the agent in its file.
 */
export async function startAgentRig(
  agent: RealAgent,
  environment: Readonly<Record<string, string>> = {},
  entry: object = {},
): Promise<Rig> {
  const model = await agent.startModel();
  const variables = {
    CHIRON_AGENTS_FILE: await writeAgentsFile(agent, entry),
    CHIRON_DEFAULT_HARNESS: agent.name,
    CHIRON_HOME_TEMPLATE: await writeHome(agent),
    CHIRON_DATA_DIR: await newFolder('data'),
    CHIRON_TURN_TIMEOUT_SECONDS: '100',
    ...agent.variables(model.url),
    ...environment,
  };
  try {
    return rigOf(await startServer(variables), model, variables);
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** A rig of a server that runs with these variables. */
export function rigOf(server: RunningServer, model: ScriptedModel, variables: Readonly<Record<string, string>>): Rig {
  return {
    server,
    model,
    startAgain: async (more = {}) => {
      const changed = { ...variables, ...more };
      return rigOf(await startServer(changed), model, changed);
    },
    close: async () => {
      await server.stop();
      await model.close();
    },
  };
}

async function writeAgentsFile(agent: RealAgent, entry: object): Promise<string> {
  const { name, models } = agent;
  const folder = await newFolder('agents');
  const file = join(folder, 'agents.json');
  const command = agent.needsOwnNode === true ? await writeLauncher(folder, agent) : agent.command;
  await writeFile(file, JSON.stringify({ agents: { [name]: { command, models, ...entry } } }));
  return file;
}

/** A program that runs the agent with the Node of the tests. */
async function writeLauncher(folder: string, { name, command }: RealAgent): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`, { mode: 0o755 });
  return file;
}

async function writeHome(agent: RealAgent): Promise<string> {
  const home = await newFolder('home-template');
  for (const [path, content] of Object.entries(agent.home())) {
    const file = join(home, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(content));
    // The users of isolated threads read it.
    await chmod(file, 0o644);
  }
  return home;
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer, type RunningServer } from '../../support/running-server.js';
import { startScriptedAnthropicModel } from '../../support/scripted-model/anthropic.js';
import { codexConfig, startScriptedResponsesModel } from '../../support/scripted-model/responses.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { newFolder } from './folders.js';
import { CLAUDE_CODE, CODEX } from './programs.js';

/** A harness with its own command line program. */
export type RealHarness = 'claude-code' | 'codex';

/** Chiron with one real harness, whose agents use a scripted model. */
export interface Rig {
  readonly server: RunningServer;
  /** The scripted model of the inner agents. */
  readonly model: ScriptedModel;
  /** Starts a new server, on the same data unless `more` overrides it. Call after the first server has ended. */
  startAgain(more?: Readonly<Record<string, string>>): Promise<Rig>;
  close(): Promise<void>;
}

/** Starts a rig. `environment` is added to the server's. */
export async function startRig(harness: RealHarness, environment: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const { model, variables } = harness === 'claude-code' ? await anthropic() : await responses();
  const serverEnvironment = {
    CHIRON_DEFAULT_HARNESS: harness,
    CHIRON_CLAUDE_BIN: CLAUDE_CODE,
    CHIRON_CODEX_BIN: CODEX,
    CHIRON_DATA_DIR: await newFolder('data'),
    ...variables,
    ...environment,
  };
  try {
    return rigOf(await startServer(serverEnvironment), model, serverEnvironment);
  } catch (error) {
    await model.close();
    throw error;
  }
}

function rigOf(server: RunningServer, model: ScriptedModel, environment: Readonly<Record<string, string>>): Rig {
  return {
    server,
    model,
    startAgain: async (more = {}) => {
      const changed = { ...environment, ...more };
      return rigOf(await startServer(changed), model, changed);
    },
    close: async () => {
      await server.stop();
      await model.close();
    },
  };
}

interface Inner {
  readonly model: ScriptedModel;
  readonly variables: Readonly<Record<string, string>>;
}

async function anthropic(): Promise<Inner> {
  const model = await startScriptedAnthropicModel();
  return { model, variables: claudeCodeVariables(model) };
}

async function responses(): Promise<Inner> {
  const model = await startScriptedResponsesModel();
  return { model, variables: await codexVariables(model) };
}

/** The server's variables for a model of the Messages API: Claude Code finds it in the environment of every sandbox. */
export function claudeCodeVariables({ url }: Pick<ScriptedModel, 'url'>): Readonly<Record<string, string>> {
  return {
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'a-key-of-the-server',
    // A scripted failure is permanent: ten attempts with backoff would not change it.
    CLAUDE_CODE_MAX_RETRIES: '0',
    CHIRON_SANDBOX_PASSTHROUGH_ENV: 'ANTHROPIC_BASE_URL,ANTHROPIC_API_KEY,CLAUDE_CODE_MAX_RETRIES',
  };
}

/** The server's variables for a model of the Responses API: Codex finds it in the configuration in its home. */
export async function codexVariables(model: Pick<ScriptedModel, 'url'>): Promise<Readonly<Record<string, string>>> {
  const home = await newFolder('home-template');
  await mkdir(join(home, '.codex'));
  await writeFile(join(home, '.codex', 'config.toml'), codexConfig(model));
  return { CHIRON_HOME_TEMPLATE: home, CHIRON_SANDBOX_PASSTHROUGH_ENV: '' };
}

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AGENTS as REAL_AGENTS } from '../agents/support/agents.js';
import { codexConfig } from '../support/scripted-model/responses.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';

/** What the real CLIs of the suite's servers talk to, and where they are; `undefined` for a server that needs none. */
export interface RealAgents {
  readonly claudeCommand: string;
  readonly codexCommand: string;
  readonly anthropic: ScriptedModel;
  readonly responses: ScriptedModel;
  /** The model of the agent of the Agent Client Protocol; `undefined` without one. */
  readonly acp: ScriptedModel | undefined;
}

/** Makes a home template in a folder, with what the agents need to find their models. Returns its path. */
export async function writeAgentHome(folder: string, agents: RealAgents | undefined): Promise<string> {
  const home = join(folder, 'home');
  await mkdir(join(home, '.codex'), { recursive: true });
  if (agents !== undefined) await writeFile(join(home, '.codex', 'config.toml'), codexConfig(agents.responses));
  if (agents?.acp !== undefined) await writeFile(join(folder, AGENTS_FILE), ACP_AGENTS);
  return home;
}

const AGENTS_FILE = 'agents.json';
const { copilot } = REAL_AGENTS;
const ACP_AGENTS = JSON.stringify({ agents: { copilot: { command: copilot.command } } });

/** The settings of a server with these agents; `undefined` for the demo agent alone. */
export function agentSettings(agents: RealAgents | undefined, home: string): Readonly<Record<string, string>> {
  const common = { CHIRON_LOG_LEVEL: 'warn', CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_MAX_WARM_HARNESSES: '2' };
  if (agents === undefined) return common;
  return {
    ...common,
    CHIRON_DEMO: 'on',
    CHIRON_MODEL_ROUTES: 'claude-*=claude-code,gpt-*=codex,demo=demo',
    CHIRON_CLAUDE_BIN: agents.claudeCommand,
    CHIRON_CODEX_BIN: agents.codexCommand,
    CHIRON_HOME_TEMPLATE: home,
    ANTHROPIC_BASE_URL: agents.anthropic.url,
    ANTHROPIC_API_KEY: 'sk-scripted',
    ...acpSettings(agents, home),
  };
}

function acpSettings({ acp }: RealAgents, home: string): Readonly<Record<string, string>> {
  if (acp === undefined) return {};
  return { CHIRON_AGENTS_FILE: join(dirname(home), AGENTS_FILE), ...copilot.variables(acp.url) };
}

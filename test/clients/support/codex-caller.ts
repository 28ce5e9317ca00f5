import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder } from './folders.js';
import { isRecord, type JsonRecord } from './json.js';
import { CODEX } from './programs.js';

/** How one run of `codex exec` ended. */
export interface CodexRun {
  readonly code: number | null;
  /** What `--json` printed, in order. */
  readonly events: readonly JsonRecord[];
  /** The messages of the agent, in order. */
  readonly messages: readonly string[];
  readonly stderr: string;
}

/** A Codex on its user's machine, which knows Chiron as the provider of its model. */
export interface CodexCaller {
  /** Its workspace. */
  readonly workspace: string;
  /** Its home folder, with its configuration. */
  readonly home: string;
  /** Runs `codex exec --json` with these arguments. */
  exec(...args: readonly string[]): Promise<CodexRun>;
}

/** Prepares a Codex for a server. `config` is added to its configuration, before the tables. */
export async function prepareCodex(
  url: string,
  config = 'model = "demo"\nmodel_provider = "chiron"',
): Promise<CodexCaller> {
  const [home, workspace] = [await newFolder('codex-home'), await newFolder('codex-workspace')];
  await writeFile(
    join(home, 'config.toml'),
    `${config}
check_for_update_on_startup = false

[model_providers.chiron]
name = "Chiron"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "CHIRON_API_KEY"
`,
  );
  return { home, workspace, exec: (...args) => runExec({ home, workspace, environment: {} }, args) };
}

/** Takes a Codex whose home has a configuration already. `environment` is added to its own. */
export async function useCodexHome(
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CodexCaller> {
  const workspace = await newFolder('codex-workspace');
  return { home, workspace, exec: (...args) => runExec({ home, workspace, environment }, args) };
}

interface Place {
  readonly home: string;
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string>>;
}

function runExec({ home, workspace, environment }: Place, args: readonly string[]): Promise<CodexRun> {
  const own = { PATH: process.env['PATH'] ?? '', HOME: home, CODEX_HOME: home, CHIRON_API_KEY: 'none' };
  const child = spawn(process.execPath, [CODEX, 'exec', '--json', '--skip-git-repo-check', ...args], {
    cwd: workspace,
    env: { ...own, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const events = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line): JsonRecord => JSON.parse(line));
      const messages = events.flatMap(({ type, item }) =>
        type === 'item.completed' && isRecord(item) && item['type'] === 'agent_message' ? [String(item['text'])] : [],
      );
      resolve({ code, events, messages, stderr });
    });
  });
}

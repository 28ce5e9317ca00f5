import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SANDBOXES } from '../../src/sandbox/kinds.js';
import type { SandboxOptions } from '../../src/sandbox/sandbox.js';
import { newFolder } from '../clients/support/folders.js';
import { CLAUDE_CODE, CODEX } from '../clients/support/programs.js';
import type { RealHarness } from '../clients/support/rig.js';
import { type RunningServer, startServer } from '../support/running-server.js';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import { startScriptedResponsesModel } from '../support/scripted-model/responses.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';

export { removeFolders } from '../clients/support/folders.js';

/** The kinds of sandbox that isolate; each must withstand every attack. */
export const ISOLATING_KINDS = Object.keys(SANDBOXES).filter((kind) => kind !== 'local');

/**
 * Why a kind cannot be tried here, printed; `undefined` if it can. `programs` have to run in it, too: a checkout that other users cannot read has
 * none of them.
 */
export async function reasonToSkip(kind: string, programs: readonly string[] = []): Promise<string | undefined> {
  const options = { dataDirectory: await newFolder('probe'), workspaceTemplate: undefined, homeTemplate: undefined };
  const problem =
    (await SANDBOXES[kind]?.findProblem?.(options)) ?? (await findProgramProblem(kind, options, programs));
  if (problem === undefined) return undefined;
  if (process.env['CHIRON_TEST_REQUIRE_SANDBOXES'] === '1') throw new Error(`${kind}: ${problem}`);
  process.stderr.write(`Skipped: the sandbox ${kind} does not work here. ${problem}\n`);
  return problem;
}

async function findProgramProblem(kind: string, options: SandboxOptions, programs: readonly string[]) {
  const sandbox = SANDBOXES[kind]?.create(options);
  for (const program of programs) {
    const run = await sandbox?.run(program, ['--version'], 20_000);
    if (run?.kind !== 'done') return `${program} cannot be run in it.`;
  }
  await sandbox?.close();
  return undefined;
}

/** Texts that may be nowhere but where they belong. Each is unlike everything else on the machine. */
export const MARKERS = {
  alice: 'alices-key-7f3a9c51d2e84b60',
  mallory: 'mallorys-key-0d4b8e62f1a37c95',
  server: 'only-the-server-knows-5c1e7a94',
  provider: 'the-providers-key-b82d4f06e9c3',
  prompt: 'blue whale 3e9f1b7c',
} as const;

/** A server with two tenants, whose agents are hostile. */
export interface Target {
  readonly server: RunningServer;
  /** What a command prints that the agent of a tenant's thread runs. */
  run(tenant: 'alice' | 'mallory', thread: string, command: string): Promise<string>;
  /** The folder of a tenant's thread on the machine, once it has run something. */
  folderOf(tenant: 'alice' | 'mallory', thread: string): Promise<string>;
  /** Sends a request with the key of a tenant. */
  call(tenant: 'alice' | 'mallory', method: string, path: string, body?: object): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a server with the demo agent, each of whose commands is a program of its own in the sandbox. */
export async function startTarget(kind: string, environment: Readonly<Record<string, string>> = {}): Promise<Target> {
  const server = await startServer({
    ...(await targetEnvironment(kind)),
    CHIRON_DEFAULT_HARNESS: 'demo',
    ...environment,
  });
  return targetOf(
    server,
    'demo',
    (command) => `!${command}`,
    () => server.stop(),
  );
}

/** A target whose agent is a real one. */
export interface RealTarget extends Target {
  /** The scripted model of the agent. */
  readonly model: ScriptedModel;
}

/** Starts a server with a real agent, whose scripted model has it run each command. The server has its key for the model from a file. */
export async function startRealTarget(
  kind: string,
  harness: RealHarness,
  environment: Readonly<Record<string, string>> = {},
): Promise<RealTarget> {
  const isClaude = harness === 'claude-code';
  const model = await (isClaude ? startScriptedAnthropicModel() : startScriptedResponsesModel());
  const keyFile = join(await newFolder('key'), 'key');
  await writeFile(keyFile, MARKERS.provider);
  const server = await startServer({
    ...(await targetEnvironment(kind)),
    CHIRON_DEFAULT_HARNESS: harness,
    CHIRON_CLAUDE_BIN: CLAUDE_CODE,
    CHIRON_CODEX_BIN: CODEX,
    ...(isClaude
      ? { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY_FILE: keyFile }
      : { OPENAI_BASE_URL: `${model.url}/v1`, OPENAI_API_KEY_FILE: keyFile }),
    ...environment,
  });
  const close = async (): Promise<void> => {
    await server.stop();
    await model.close();
  };
  return { ...targetOf(server, harness, (command) => `SCENE:tool ${command}`, close), model };
}

/** The environment of a server with two tenants and a secret. */
export async function targetEnvironment(kind: string): Promise<Record<string, string>> {
  return {
    CHIRON_SANDBOX: kind,
    CHIRON_DATA_DIR: await newFolder('data'),
    CHIRON_API_KEYS: `alice:${MARKERS.alice},mallory:${MARKERS.mallory}`,
    A_SECRET_OF_THE_SERVER: MARKERS.server,
  };
}

interface MessageBody {
  readonly content?: readonly { readonly text?: string; readonly content?: readonly { readonly text?: string }[] }[];
  readonly error?: { readonly message: string };
}

/** The target of a server, whose agent `model` runs what `toPrompt` makes of a command. */
export function targetOf(
  server: RunningServer,
  model: string,
  toPrompt: (command: string) => string,
  close: () => Promise<unknown>,
): Target {
  const call: Target['call'] = (tenant, method, path, body) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { 'x-api-key': MARKERS[tenant], 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const run: Target['run'] = async (tenant, thread, command) => {
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: {
        'x-api-key': MARKERS[tenant],
        'content-type': 'application/json',
        'x-chiron-thread-key': `security:${thread}`,
      },
      body: JSON.stringify({ model, max_tokens: 99, messages: [{ role: 'user', content: toPrompt(command) }] }),
    });
    const body = JSON.parse(await response.text()) as MessageBody;
    if (body.error !== undefined) return `ERROR ${String(response.status)} ${body.error.message}`;
    return (body.content ?? []).flatMap((block) => (block.content ?? []).map(({ text = '' }) => text)).join('\n');
  };
  return {
    server,
    run,
    call,
    folderOf: async (tenant, thread) => {
      const name = `found-${Math.random().toString(36).slice(2)}`;
      await run(tenant, thread, `touch ${name}`);
      const threads = `${server.dataDirectory}/threads`;
      for (const id of await readdir(threads)) {
        const entries = await readdir(`${threads}/${id}/workspace`).catch((): readonly string[] => []);
        if (entries.includes(name)) return `${threads}/${id}`;
      }
      throw new Error('the thread has no folder');
    },
    close: async () => void (await close()),
  };
}

/** The pids of this machine whose command line has a text. */
export async function findProcesses(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(text) ? [pid] : [],
    ),
  );
  return found.flat();
}

/** Whether a process is stopped, as by SIGSTOP. */
export function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

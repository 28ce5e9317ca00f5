import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallerTool, CallerToolResult, CallerTools } from '../../../src/domain/caller-tool.js';
import type { HarnessEvent } from '../../../src/domain/harness-event.js';
import { CodexHarness } from '../../../src/harness/codex/codex.harness.js';
import type { HarnessSession, HarnessThread } from '../../../src/harness/harness.js';
import { signalProcess } from '../../../src/sandbox/host/sweep.js';
import { LocalSandbox } from '../../../src/sandbox/local/local.sandbox.js';
import type { SandboxFolders } from '../../../src/sandbox/sandbox.js';
import { eventually } from '../../support/eventually.js';
import { type CodexModel, startCodexModel } from './codex-model.js';
import { newFolder } from './folders.js';
import { threadProcesses } from './processes.js';
import { CODEX } from './programs.js';

/** One thread of the real Codex, in front of a model that a test directs. */
export interface CodexRig {
  readonly model: CodexModel;
  readonly folders: SandboxFolders;
  /** Opens a session of the thread; the id is that of the conversation to resume. */
  open(sessionId?: string, more?: Partial<HarnessThread>): HarnessSession;
  /** The thread's processes. */
  pids(): Promise<readonly number[]>;
  /** Resolves when the thread has no process any more. */
  exited(): Promise<void>;
  /** Kills the thread's processes as a crash would. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a rig. */
export async function startCodexRig(): Promise<CodexRig> {
  const model = await startCodexModel();
  const homeTemplate = await newFolder('home-template');
  await mkdir(join(homeTemplate, '.codex'));
  await writeFile(
    join(homeTemplate, '.codex', 'config.toml'),
    `model = "gpt-5-codex"
model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "${model.url}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`,
  );
  const dataDirectory = await newFolder('harness');
  const sandbox = new LocalSandbox({ dataDirectory, workspaceTemplate: undefined, homeTemplate });
  const id = randomUUID();
  const folders = await sandbox.prepare(id, ['.codex']);
  const harness = new CodexHarness(sandbox, CODEX);
  await harness.probe();
  const thread = {
    id,
    folders,
    files: sandbox.files(id),
    model: undefined,
    systemPrompt: undefined,
    tools: 'all',
  } as const;
  const pids = () => threadProcesses(dataDirectory);
  const exited = async () => {
    await eventually(pids).toEqual([]);
  };
  return {
    model,
    folders,
    open: (sessionId, more = {}) => harness.open({ ...thread, sessionId, env: {}, ...more }),
    pids,
    exited,
    kill: async () => {
      for (const pid of await pids()) signalProcess(pid, 'SIGKILL');
      await exited();
    },
    close: async () => {
      await sandbox.close();
      await model.close();
    },
  };
}

/** A tool of the caller that takes one text. */
export function callerTool(name: string, more: Partial<CallerTool> = {}): CallerTool {
  const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
  return { name, description: `What ${name} does`, inputSchema, isStrict: false, isDeferred: false, ...more };
}

/** The tools of a turn. */
export function toolsNamed(...names: readonly string[]): CallerTools {
  return { tools: names.map((name) => callerTool(name)), allowsParallelCalls: true };
}

/** The result of a call: a text. */
export function resultOf(callId: string, text: string, isError = false): CallerToolResult {
  return { callId, content: [{ type: 'text', text }], isError };
}

/** The id of the conversation that a turn began. */
export function sessionIdOf(events: readonly HarnessEvent[]): string {
  const id = events.flatMap((event) => (event.type === 'session-started' ? [event.sessionId] : []))[0];
  if (id === undefined) throw new Error('no conversation began');
  return id;
}

/** What a turn emitted, in short: one word for each kind of event that counts here. */
export function outline(events: readonly HarnessEvent[]): readonly string[] {
  const lines = events.flatMap((event) => {
    switch (event.type) {
      case 'text-delta':
        return [`says ${event.text}`];
      case 'tool-call':
        return [`runs ${event.id}`];
      case 'tool-result':
        return [
          `ran ${event.id}: ${event.content.map((part) => (part.type === 'text' ? part.text.trim() : part.type)).join()}`,
        ];
      case 'caller-tool-call':
        return [`calls ${event.name} ${event.id} ${JSON.stringify(event.input)}`];
      case 'user-message':
        return [`hears ${event.id}`];
      case 'model-call-end':
        return ['tokens'];
      case 'turn-end':
        return [`ends ${event.reason}`];
      case 'turn-failed':
        return [`fails ${event.kind}`];
      default:
        return [];
    }
  });
  return withTokensLast(lines);
}

/** Codex 0.169.0 counts the tokens of a model's call mostly after the results of its tools; on a busy machine it was seen to do so before. */
function withTokensLast(lines: readonly string[]): readonly string[] {
  const ordered: string[] = [];
  for (const line of lines) {
    const isEarly = line.startsWith('ran ') && ordered.at(-1) === 'tokens';
    ordered.splice(isEarly ? -1 : ordered.length, 0, line);
  }
  return ordered;
}

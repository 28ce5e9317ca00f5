import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, reduce } from 'rxjs';
import { ClaudeCodeHarness } from '../../../src/harness/claude-code/claude-code.harness.js';
import { CodexHarness } from '../../../src/harness/codex/codex.harness.js';
import type { HarnessEvent, JsonObject } from '../../../src/domain/harness-event.js';
import type { Harness, HarnessSession, HarnessThread, HarnessTurn } from '../../../src/harness/harness.js';
import { LocalSandbox } from '../../../src/sandbox/local/local.sandbox.js';
import type { SandboxFolders } from '../../../src/sandbox/sandbox.js';
import { startScriptedAnthropicModel } from '../../support/scripted-model/anthropic.js';
import { codexConfig, startScriptedResponsesModel } from '../../support/scripted-model/responses.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { newFolder } from './folders.js';
import { textOf } from './json.js';
import { CLAUDE_CODE, CODEX } from './programs.js';
import type { RealHarness } from './rig.js';

/** One thread of a real harness without a server around it, in front of a scripted model. */
export interface HarnessRig {
  readonly model: ScriptedModel;
  readonly folders: SandboxFolders;
  /** Opens the thread's session, again after the one before it has ended. */
  open(more?: Partial<HarnessThread>): HarnessSession;
  close(): Promise<void>;
}

/**
 * Starts a rig; its thread's home has the settings that lead to the model. `config` is added to Codex's, and `program` is run in the
 * place of the newest Claude Code. `scripted` is a model that is there already; the rig closes it.
 */
export async function startHarnessRig(
  name: RealHarness,
  config = '',
  program = CLAUDE_CODE,
  scripted?: ScriptedModel,
): Promise<HarnessRig> {
  const isClaude = name === 'claude-code';
  const model = scripted ?? (await (isClaude ? startScriptedAnthropicModel() : startScriptedResponsesModel()));
  const homeTemplate = await newFolder('home-template');
  if (!isClaude) {
    await mkdir(join(homeTemplate, '.codex'));
    await writeFile(join(homeTemplate, '.codex', 'config.toml'), `${codexConfig(model)}\n${config}`);
  }
  const sandbox = new LocalSandbox({
    dataDirectory: await newFolder('harness'),
    workspaceTemplate: undefined,
    homeTemplate,
  });
  const id = randomUUID();
  const folders = await sandbox.prepare(id, ['.claude', '.codex']);
  const harness: Harness = isClaude ? new ClaudeCodeHarness(sandbox, program) : new CodexHarness(sandbox, CODEX);
  await harness.probe();
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'a-key', CLAUDE_CODE_MAX_RETRIES: '0' };
  const thread: HarnessThread = {
    id,
    folders,
    files: sandbox.files(id),
    model: undefined,
    systemPrompt: undefined,
    sessionId: undefined,
    tools: 'all',
    env: isClaude ? env : {},
  };
  return {
    model,
    folders,
    open: (more = {}) => harness.open({ ...thread, ...more }),
    close: async () => {
      await sandbox.close();
      await model.close();
    },
  };
}

/** A turn that says this; `more` may want an answer of a schema. */
export function turnOf(text: string, more: Partial<HarnessTurn> = {}): HarnessTurn {
  return { id: randomUUID(), prompt: [{ type: 'text', text }], attempt: 1, turnIndex: 0, ...more };
}

/** Runs a turn to its end. */
export function runTurn(session: HarnessSession, turn: HarnessTurn): Promise<readonly HarnessEvent[]> {
  return lastValueFrom(
    session
      .run(turn)
      .pipe(reduce<readonly HarnessEvent[], readonly HarnessEvent[]>((all, next) => [...all, ...next], [])),
  );
}

/** The texts of a turn, one for each block. */
export function textsOf(events: readonly HarnessEvent[]): readonly string[] {
  const texts = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'text-delta') texts.set(event.id, (texts.get(event.id) ?? '') + event.text);
  }
  return [...texts.values()];
}

/** The tools that the model was offered with its newest request. */
export function offeredTools(model: ScriptedModel): readonly string[] {
  const body = model.requests.at(-1)?.body as { readonly tools?: readonly JsonObject[] } | undefined;
  return (body?.tools ?? []).map(({ name, type }) => textOf(name) || textOf(type));
}

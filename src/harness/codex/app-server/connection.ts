import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { filter, firstValueFrom, timeout } from 'rxjs';
import type { Sandbox, SandboxProcess } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import { AppServer } from './app-server.js';
import { loadInstructions } from '../../instructions.js';
import { findAddedVariables } from '../../spares/added-variables.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import { restoreHome } from './codex-home.js';
import { findCodexProgram } from './codex-program.js';
import { INITIALIZE, toLaunch, toThreadParameters } from './launch.js';
import { invalidateIndex, refreshIndex } from '../record/recording-index.js';

// Five seconds in total; the reaper kills a dead server's processes sooner.
const WRITER_ATTEMPTS = 21;
const WRITER_PAUSE_MS = 250;

/** It takes about ten milliseconds (0.169.0, seen). */
const CLOSE_LIMIT_MS = 2_000;

// Each resume of a turn adds one of Codex's turns; older ones than this are not searched.
const MAX_LISTED_TURNS = 50;

/** A started app-server, before its first request. */
export interface Running {
  readonly process: SandboxProcess;
  readonly server: AppServer;
  readonly apiKey: string | undefined;
  /** Whether Codex reads the workspace's `AGENTS.md` by itself. */
  readonly readsAgentsFile: boolean;
  /** Whether Codex reads the workspace's settings. */
  readonly trustsWorkspace: boolean;
  /** The variables of the thread that it was started with. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether it was started before its first turn. */
  readonly isEarly: boolean;
}

/** The conversation that a running app-server has open. */
export interface CodexConversation {
  /** Codex's id of the conversation. */
  readonly threadId: string;
  readonly model: string;
  /** True if an earlier conversation was resumed, false if it is new. */
  readonly resumed: boolean;
}

/** What a conversation is opened with, besides what its thread says. */
export interface ConversationOptions {
  /** `dynamicTools` of a new conversation. */
  readonly specs: readonly JsonObject[];
  /** Codex's settings for the conversation. */
  readonly config: JsonObject;
}

/** Starts the app-server in the thread's sandbox. A missing program fails the first request. */
export async function startServer(
  thread: HarnessThread,
  command: string,
  sandbox: Sandbox,
  onMalformed: (length: number) => void,
): Promise<Omit<Running, 'isEarly'>> {
  const folder = join(thread.folders.home, '.codex');
  await refreshIndex(thread.files, thread.folders.home);
  const found = await restoreHome(thread, sandbox);
  const { args, ...launch } = toLaunch(thread, found);
  // Each time: it may have been updated, or removed, since the last start.
  const program = findCodexProgram(command);
  const env = { ...program.env, ...thread.env, CODEX_HOME: folder };
  const process = sandbox.spawn({ threadId: thread.id, command: program.command, args, env });
  const { trustsWorkspace } = found;
  return { process, server: new AppServer(process, onMalformed), trustsWorkspace, variables: thread.env, ...launch };
}

/**
 * Whether a running server may open a conversation: it would read the settings of the home and the workspace again. Those of the home are put back
 * where the agent has changed them; a workspace with other settings than the deployment's takes another process, which does not trust it.
 */
export async function mayOpen(
  thread: HarnessThread,
  sandbox: Pick<Sandbox, 'deploy' | 'templateText'>,
  { trustsWorkspace }: Pick<Running, 'trustsWorkspace'>,
): Promise<boolean> {
  const found = await restoreHome(thread, sandbox);
  return !trustsWorkspace || found.trustsWorkspace;
}

/**
 * Begins to talk to a server, and logs it in if it needs it.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function initialize({ server, apiKey }: Running): Promise<void> {
  await server.request('initialize', INITIALIZE);
  server.notify('initialized');
  if (apiKey !== undefined) await logIn(server, apiKey);
}

/**
 * Closes the conversation; its process goes on. It must have been opened with `thread_unload_delay_secs: 0`.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function closeConversation({ server }: Running, threadId: string): Promise<void> {
  const closed = firstValueFrom(
    server.messages$.pipe(
      filter((batch) =>
        batch.some(({ method, params }) => method === 'thread/closed' && asObject(params)['threadId'] === threadId),
      ),
      timeout(CLOSE_LIMIT_MS),
    ),
  );
  await Promise.all([closed, server.request('thread/unsubscribe', { threadId })]);
}

/**
 * Resumes the thread's conversation, or starts a new one if it had none or its recording is lost.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function openConversation(
  { server, readsAgentsFile, variables }: Running,
  thread: HarnessThread,
  { specs, config: settings }: ConversationOptions,
  logger: Pick<Logger, 'warn'>,
): Promise<CodexConversation> {
  const config = thread.tools === 'none' ? await readConfig(server, thread) : {};
  const joinsInstructions = !readsAgentsFile || thread.systemPrompt !== undefined;
  const instructions = joinsInstructions ? ((await loadInstructions(thread, logger)) ?? null) : undefined;
  const late = toLateSettings(findAddedVariables(variables, thread), readsAgentsFile && joinsInstructions);
  const parameters = withConfig(toThreadParameters(thread, instructions, config), { ...late, ...settings });
  if (thread.sessionId !== undefined) {
    try {
      const resume = { ...parameters, threadId: thread.sessionId, excludeTurns: true };
      return toConversation(await resumeWithRetry(server, resume), true);
    } catch (error) {
      if (!isMissingConversation(error)) {
        await invalidateIndex(thread.files);
        throw error;
      }
    }
  }
  const tools = specs.length === 0 ? {} : { dynamicTools: specs };
  return toConversation(await server.request('thread/start', { ...parameters, ...tools }), false);
}

/**
 * What a server that was started before its thread was known gets with the conversation: the variables of the agent's commands, and that it is not to
 * read `AGENTS.md`, which comes with the system prompt then. Each is named by its path, and joined with those of the deployment (0.169.0,
 * seen).
 */
function toLateSettings(variables: Readonly<Record<string, string>> = {}, leavesAgentsFile: boolean): JsonObject {
  const entries = Object.entries(variables).map(([name, value]) => [`shell_environment_policy.set.${name}`, value]);
  return { ...Object.fromEntries(entries), ...(leavesAgentsFile ? { project_doc_max_bytes: 0 } : {}) };
}

/** Settings of the turn's own, beside those of the thread. */
function withConfig(parameters: JsonObject, settings: JsonObject): JsonObject {
  if (Object.keys(settings).length === 0) return parameters;
  return { ...parameters, config: { ...asObject(parameters['config']), ...settings } };
}

/** Codex's newest turns of a conversation with all of their items, newest first. */
export async function readNewestTurns(server: AppServer, threadId: string): Promise<readonly JsonValue[]> {
  return asArray((await readTurnPage(server, threadId, null))['data']);
}

/** Some of Codex's turns in `data`, newest first, and the `nextCursor` for older ones, `null` when there are none. */
export function readTurnPage(server: AppServer, threadId: string, cursor: JsonValue): Promise<JsonObject> {
  const page = { threadId, cursor, limit: MAX_LISTED_TURNS, sortDirection: 'desc', itemsView: 'full' };
  return server.request('thread/turns/list', page);
}

/**
 * Removes a turn and all later ones from the conversation.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function takeOut(
  server: AppServer,
  conversation: CodexConversation,
  turnId: string,
): Promise<CodexConversation> {
  const place = { threadId: conversation.threadId, beforeTurnId: turnId };
  try {
    await server.request('thread/revert', place);
    return conversation;
  } catch (error) {
    // 0.169.0 reverts no conversation that an older version began (`historyMode: legacy`), but makes a shorter one from it (seen).
    if (!(error instanceof JsonRpcError) || error.code === undefined) throw error;
    return toConversation(await server.request('thread/fork', { ...place, excludeTurns: true }), true);
  }
}

/** Retries while the Codex of a killed server still holds the conversation: it "already has an active writer" (0.169.0, seen). */
async function resumeWithRetry(server: AppServer, parameters: JsonObject): Promise<JsonObject> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await server.request('thread/resume', parameters);
    } catch (error) {
      const isHeld = error instanceof JsonRpcError && /already has an active writer/.test(error.message);
      if (!isHeld || attempt === WRITER_ATTEMPTS) throw error;
      await delay(WRITER_PAUSE_MS);
    }
  }
}

/** Codex's settings for the thread, from all the files that it reads. */
async function readConfig(server: AppServer, { folders }: HarnessThread): Promise<JsonObject> {
  return asObject((await server.request('config/read', { includeLayers: false, cwd: folders.workspace }))['config']);
}

/** Logs in if the configured model provider needs OpenAI's login and there is none. */
async function logIn(server: AppServer, apiKey: string): Promise<void> {
  const { account, requiresOpenaiAuth } = await server.request('account/read', { refreshToken: false });
  if (requiresOpenaiAuth !== true || (account !== null && account !== undefined)) return;
  await server.request('account/login/start', { type: 'apiKey', apiKey });
}

function toConversation(fields: JsonObject, resumed: boolean): CodexConversation {
  const threadId = asString(asObject(fields['thread'])['id']);
  if (threadId === undefined) throw new JsonRpcError('Codex opened a conversation without a name.', undefined);
  return { threadId, model: asString(fields['model']) ?? 'unknown', resumed };
}

/**
 * Codex 0.169.0 says `no rollout found for thread id …` of a conversation that was never written, or is gone, and `failed to read
 * session metadata …` of one whose recording is damaged (seen).
 */
function isMissingConversation(error: unknown): boolean {
  const pattern = /no rollout found|thread not found|failed to read session metadata/i;
  return error instanceof JsonRpcError && pattern.test(error.message);
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import type { HarnessThread } from '../../harness.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import type { AppServer } from './app-server.js';
import { loadInstructions } from '../../instructions.js';
import { findAddedVariables } from '../../spares/added-variables.js';
import { asObject } from '../../../domain/json.js';
import { type CodexConversation, type Running, toCodexConversation } from './connection.js';
import { toThreadParameters } from './launch.js';
import { invalidateIndex } from '../record/recording-index.js';

// Five seconds in total; the reaper kills a dead server's processes sooner.
const WRITER_ATTEMPTS = 21;
const WRITER_PAUSE_MS = 250;

/** What a conversation is opened with, besides what its thread says. */
export interface ConversationOptions {
  /** `dynamicTools` of a new conversation. */
  readonly specs: readonly JsonObject[];
  /** Codex's settings for the conversation. */
  readonly config: JsonObject;
  /** The conversation to resume; `undefined` for a new one. */
  readonly conversationId: string | undefined;
}

/**
 * Resumes a conversation of the thread, or starts a new one if there is none or its recording is lost.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function openConversation(
  running: Running,
  thread: HarnessThread,
  { specs, config, conversationId }: ConversationOptions,
  logger: Pick<Logger, 'warn'>,
): Promise<CodexConversation> {
  const parameters = await toOpening(running, thread, config, logger);
  const resumed = await resume(running, thread, conversationId, parameters);
  if (resumed !== undefined) return resumed;
  const tools = specs.length === 0 ? {} : { dynamicTools: specs };
  return toCodexConversation(await running.server.request('thread/start', { ...parameters, ...tools }), false);
}

/**
 * Resumes a conversation of the thread; `undefined` if there is none or its recording is lost.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function resumeConversation(
  running: Running,
  thread: HarnessThread,
  { config, conversationId }: Omit<ConversationOptions, 'specs'>,
  logger: Pick<Logger, 'warn'>,
): Promise<CodexConversation | undefined> {
  return resume(running, thread, conversationId, await toOpening(running, thread, config, logger));
}

async function resume(
  { server }: Running,
  { files }: HarnessThread,
  conversationId: string | undefined,
  parameters: JsonObject,
): Promise<CodexConversation | undefined> {
  if (conversationId === undefined) return undefined;
  try {
    return toCodexConversation(
      await resumeWithRetry(server, { ...parameters, threadId: conversationId, excludeTurns: true }),
      true,
    );
  } catch (error) {
    if (isMissingConversation(error)) return undefined;
    await invalidateIndex(files);
    throw error;
  }
}

/** The parameters with which a conversation is opened, be it a new one or not. */
async function toOpening(
  { server, readsAgentsFile, variables }: Running,
  thread: HarnessThread,
  settings: JsonObject,
  logger: Pick<Logger, 'warn'>,
): Promise<JsonObject> {
  const config = thread.tools === 'none' ? await readCodexConfig(server, thread) : {};
  const joinsInstructions = !readsAgentsFile || thread.systemPrompt !== undefined;
  const instructions = joinsInstructions ? ((await loadInstructions(thread, logger)) ?? null) : undefined;
  const late = toLateSettings(findAddedVariables(variables, thread), readsAgentsFile && joinsInstructions);
  return withConfig(toThreadParameters(thread, instructions, config), { ...late, ...settings });
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

/** The parameters with further settings, beside those of the thread. */
export function withConfig(parameters: JsonObject, settings: JsonObject): JsonObject {
  if (Object.keys(settings).length === 0) return parameters;
  return { ...parameters, config: { ...asObject(parameters['config']), ...settings } };
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
export async function readCodexConfig(
  server: AppServer,
  { folders }: Pick<HarnessThread, 'folders'>,
): Promise<JsonObject> {
  return asObject((await server.request('config/read', { includeLayers: false, cwd: folders.workspace }))['config']);
}

/**
 * Codex 0.169.0 says `no rollout found for thread id …` of a conversation that was never written, or is gone, and `failed to read
 * session metadata …` of one whose recording is damaged (seen).
 */
function isMissingConversation(error: unknown): boolean {
  const pattern = /no rollout found|thread not found|failed to read session metadata/i;
  return error instanceof JsonRpcError && pattern.test(error.message);
}

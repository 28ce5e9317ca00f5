import { join } from 'node:path';
import { filter, firstValueFrom, timeout } from 'rxjs';
import type { Sandbox, SandboxProcess } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import { AppServer } from './app-server.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import { restoreHome } from './codex-home.js';
import { findCodexProgram } from './codex-program.js';
import { INITIALIZE, toLaunch } from './launch.js';
import { refreshIndex } from '../record/recording-index.js';

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
 * Whether the server still has the conversation open.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function isLoaded({ server }: Running, threadId: string): Promise<boolean> {
  return asArray((await server.request('thread/loaded/list', {}))['data']).includes(threadId);
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
    return toCodexConversation(await server.request('thread/fork', { ...place, excludeTurns: true }), true);
  }
}

/** Logs in if the configured model provider needs OpenAI's login and there is none. */
async function logIn(server: AppServer, apiKey: string): Promise<void> {
  const { account, requiresOpenaiAuth } = await server.request('account/read', { refreshToken: false });
  if (requiresOpenaiAuth !== true || (account !== null && account !== undefined)) return;
  await server.request('account/login/start', { type: 'apiKey', apiKey });
}

/** The conversation of an answer of Codex. @throws JsonRpcError if it names none. */
export function toCodexConversation(fields: JsonObject, resumed: boolean): CodexConversation {
  const threadId = asString(asObject(fields['thread'])['id']);
  if (threadId === undefined) throw new JsonRpcError('Codex opened a conversation without a name.', undefined);
  return { threadId, model: asString(fields['model']) ?? 'unknown', resumed };
}

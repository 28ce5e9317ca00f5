import type { HarnessThread, HarnessTurn } from '../../harness.js';
import { type Prompt, withHistory } from '../../../domain/prompt.js';
import { renderSeed } from '../../../domain/render-seed.js';
import type { StartFiles } from './start-files.js';

/** Which conversation a process continues, or begins. */
export type ClaudeConversation =
  { readonly kind: 'new'; readonly sessionId: string } | { readonly kind: 'resume'; readonly sessionId: string };

/**
 * What leaves the agent without any means to act. `--tools ""` alone keeps MCP servers, hooks, skills, memory and `CLAUDE.md`;
 * safe mode turns those off and keeps how the agent logs in and which model it asks (2.1.330, seen). The tool of an output
 * schema stays.
 */
const NO_TOOLS = ['--tools', '', '--safe-mode', '--disable-slash-commands'];

/**
 * The arguments for one process of a thread. `files` are what it is started with, `systemPromptFile` holds what is appended to the system prompt, and `schema` is that of
 * the answers, if there are any.
 */
export function buildCommandLine(
  thread: HarnessThread,
  conversation: ClaudeConversation,
  files: StartFiles,
  systemPromptFile: string | undefined,
  schema?: string,
): readonly string[] {
  return [
    '--print',
    ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
    ...['--permission-mode', 'bypassPermissions'],
    // The settings of the thread are its agent's: see `writeStartFiles`.
    ...['--setting-sources', '', '--settings', files.settings, '--strict-mcp-config'],
    ...(files.mcpConfig === undefined ? [] : ['--mcp-config', files.mcpConfig]),
    ...files.memories.flatMap((folder) => ['--add-dir', folder]),
    ...files.plugins.flatMap((folder) => ['--plugin-dir', folder]),
    ...(thread.model === undefined ? [] : ['--model', thread.model]),
    // The last of several such options wins (2.1.330), hence one file for all.
    ...(systemPromptFile === undefined ? [] : ['--append-system-prompt-file', systemPromptFile]),
    ...(thread.tools === 'none' ? NO_TOOLS : []),
    ...(schema === undefined ? [] : ['--json-schema', schema]),
    ...(conversation.kind === 'new' ? ['--session-id', conversation.sessionId] : ['--resume', conversation.sessionId]),
  ];
}

/** The environment of one process of a thread: what Claude Code needs to work unattended, then the thread's own. */
export function buildClaudeEnvironment(
  thread: HarnessThread,
  configFolder: string,
  isRoot: boolean,
  continuesTurn: boolean,
): Readonly<Record<string, string>> {
  return {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_TELEMETRY: '1',
    // `session_state_changed` lines tell when sub-agents in the background are done (see background-tasks.ts).
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    // The prompt is on disk before the model call, so that a crash cannot lose it (2.1.330 else writes every 100 ms).
    CLAUDE_CODE_EAGER_FLUSH: '1',
    // `CLAUDE.md` of the folders of `--add-dir` counts.
    CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: '1',
    // As root, Claude Code refuses to skip its permission prompts unless `IS_SANDBOX` is set.
    ...(isRoot ? { IS_SANDBOX: '1' } : {}),
    ...thread.env,
    CLAUDE_CONFIG_DIR: configFolder,
    ...(continuesTurn ? { CLAUDE_CODE_RESUME_INTERRUPTED_TURN: '1' } : {}),
  };
}

/**
 * The line that gives a prompt to a process. Claude Code keeps the `uuid` in its transcript.
 *
 * `client_composed`: without it Claude Code runs a prompt whose last text begins with `/` as a command of its own (`/model` changes the
 * model of the thread, `/clear` its memory), and reads the files that a prompt names as `@path` (2.1.330 and 2.1.197, seen).
 *
 * @param supportsClientComposed whether this Claude Code knows `client_composed`. One that does not takes no text for a command that begins with
 *   white space (2.1.197, seen); its `@path` cannot be turned off.
 */
export function toPromptLine(turn: HarnessTurn, supportsClientComposed: boolean): string {
  const prompt = withHistory(renderSeed(turn.seed ?? []), turn.prompt);
  return JSON.stringify({
    type: 'user',
    uuid: turn.id,
    message: { role: 'user', content: supportsClientComposed ? prompt : withoutCommand(prompt) },
    parent_tool_use_id: null,
    client_composed: true,
  });
}

function withoutCommand(prompt: Prompt): Prompt {
  const last = prompt.at(-1);
  if (last?.type !== 'text' || !last.text.startsWith('/')) return prompt;
  return [...prompt.slice(0, -1), { ...last, text: `\n${last.text}` }];
}

/** The first version that was seen to know `client_composed`; 2.1.197 does not. */
const COMPOSED_SINCE = [2, 1, 330];

/** Whether a Claude Code of this version knows `client_composed`; one whose version is not known is taken for a current one. */
export function supportsClientComposed(version: string | undefined): boolean {
  const numbers = (version ?? '').split(/\D/).slice(0, COMPOSED_SINCE.length).map(Number);
  const differs = COMPOSED_SINCE.findIndex((number, index) => number !== numbers[index]);
  return version === undefined || differs === -1 || (numbers[differs] ?? 0) > (COMPOSED_SINCE[differs] ?? 0);
}

/** The line that interrupts the running turn (recording claude-interrupted). */
export function toInterruptLine(requestId: string): string {
  return JSON.stringify({ type: 'control_request', request_id: requestId, request: { subtype: 'interrupt' } });
}

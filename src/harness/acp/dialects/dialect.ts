import type { DialectName } from '../../../config/agent-settings.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';

/** Where an agent tells what its model calls used. */
export type UsageForm =
  /** `usage` of the prompt's answer: the sum of the turn. */
  | 'turn'
  /** The same field with the last model call of the turn only. */
  | 'last-call'
  /** The same field with what this process has used for the session so far. */
  | 'running-total'
  /** `_meta.usage` of an empty chunk after each model call. */
  | 'call'
  /** `_meta.quota.model_usage` of the prompt's answer: the sum of the turn for each model. */
  | 'quota'
  /** Nowhere. */
  | 'none';

/** What an agent's protocol leaves open, or what the agent does otherwise. Versions are those of the recordings. */
export interface AcpDialect {
  readonly usage: UsageForm;
  /** The machine's name of a tool, where the agent hides it in a tool call or an update of one. */
  toolName(update: JsonObject): string | undefined;
  /** The part of a tool call's id that is the same when the agent replays the call. */
  toolId(id: string): string;
  /** Whether a title of one word in the first message about a tool is the tool's name. */
  readonly namesToolsByTitle: boolean;
  /** Whether a call's first `rawInput` is the whole input, although the call is pending. */
  readonly hasInputAtOnce: boolean;
  /** What a result is read from first. */
  readonly output: 'content' | 'rawOutput';
  /**
   * What a whole chunk of agent text says that is no answer: that a model call is tried again, or why the turn failed, which holds if nothing
   * follows. `undefined` for an answer.
   */
  remark(text: string, update: JsonObject): 'retrying' | 'notice' | 'failure' | undefined;
  /** Whether the agent reads the workspace's `AGENTS.md` by itself. */
  readonly readsAgentsFile: boolean;
  /** Whether commands go on after the turn in which they were started was cancelled. */
  readonly leavesCommands: boolean;
  /** Whether a load within the minute in which the session was made destroys its record. */
  readonly losesYoungSessions: boolean;
  /** After how long the agent gives up a call of an MCP tool, by its default; `undefined` if it waits for minutes. */
  readonly callLimitMs: number | undefined;
}

const STANDARD: AcpDialect = {
  usage: 'turn',
  toolName: () => undefined,
  toolId: (id) => id,
  namesToolsByTitle: true,
  hasInputAtOnce: false,
  output: 'content',
  remark: () => undefined,
  readsAgentsFile: true,
  leavesCommands: false,
  losesYoungSessions: false,
  callLimitMs: 60_000,
};

const DIALECTS: Readonly<Record<DialectName, AcpDialect>> = {
  standard: STANDARD,
  // 1.18.33.
  opencode: { ...STANDARD, usage: 'last-call' },
  // 0.61.0: the id of a call begins with the tool's name (recording gemini.tool). GEMINI.md is all that it reads. A load in the session's first
  // minute fails, and every later one with it (recording gemini.load-after-clean-exit-2; google-gemini/gemini-cli#28775).
  gemini: {
    ...STANDARD,
    usage: 'quota',
    toolName: (update) => /^(.+?)__/.exec(asString(update['toolCallId']) ?? '')?.[1],
    readsAgentsFile: false,
    losesYoungSessions: true,
  },
  // 0.24.4: `content` has what the model reads, with the command and its process group.
  qwen: {
    ...STANDARD,
    usage: 'call',
    toolName: ({ _meta }) => asString(asObject(_meta)['toolName']),
    output: 'rawOutput',
  },
  // 1.0.102: the title is the model's description of the call, but for MCP tools, where it is `<server>-<tool>` (recording copilot.mcp-http).
  copilot: {
    ...STANDARD,
    usage: 'running-total',
    namesToolsByTitle: false,
    hasInputAtOnce: true,
    // It took an answer that came after 130 s (recording copilot.mcp-slow).
    callLimitMs: undefined,
    remark: (text) =>
      /^Info: .*\bRetrying\b/.test(text) ? 'retrying' : text.startsWith('Error: ') ? 'failure' : undefined,
  },
  // 2.1.0: the number before the colon counts the turns that this process has run or replayed (recordings kimi.kill9-part1 and -load).
  kimi: { ...STANDARD, usage: 'none', toolId: (id) => id.replace(/^\d+:/, '') },
  // claude-agent-acp 0.101.0: `content` has the output in a code fence.
  claude: {
    ...STANDARD,
    toolName: ({ _meta }) => asString(asObject(asObject(_meta)['claudeCode'])['toolName']),
    output: 'rawOutput',
    remark: (_text, { _meta }) =>
      asObject(asObject(_meta)['claudeCode'])['kind'] === 'informational' ? 'notice' : undefined,
    readsAgentsFile: false,
  },
  // codex-acp 2.6.0: a cancelled `sleep` went on (recording codex.cancel-tool).
  codex: { ...STANDARD, leavesCommands: true },
};

/** The dialect of this name. */
export function findDialect(name: DialectName): AcpDialect {
  return DIALECTS[name];
}

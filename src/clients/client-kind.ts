import {
  BILLING_HEADER,
  isMarkedAsHelper,
  cachesConversationEnd,
  describesEnvironment,
  type SideRequestBody,
  texts,
  requestsThinking,
  offersTools,
} from './claude-code/side-request-signals.js';

/** Who is calling, as far as it changes what we do. */
export type ClientKind = 'claude-code' | 'sdk';

/** The parts of a request that tell who is calling. */
export interface CallerClues {
  readonly userAgent: string | undefined;
  readonly xApp: string | undefined;
}

/**
 * Claude Code names itself in `user-agent` (`claude-cli/2.1.330 (external, sdk-cli)`) and `x-app` (`cli`, `cli-bg`); a proxy
 * may strip either. [Claude Code 2.1.330]
 */
export function detectClient(clues: CallerClues): ClientKind {
  const isClaudeCode = clues.userAgent?.startsWith('claude-cli/') === true || clues.xApp?.startsWith('cli') === true;
  return isClaudeCode ? 'claude-code' : 'sdk';
}

/** The parts of a Claude Code's request that tell how it was started. */
export interface EntrypointClues {
  readonly userAgent: string | undefined;
  /** The system prompt of its body. */
  readonly system: unknown;
}

/**
 * Whether a Claude Code shows its answers in a terminal. Its entrypoint is `cli` there, and only there: with `-p`, or without a
 * terminal, it makes `sdk-cli` of that, and the Agent SDKs, editors and actions each have a name of their own. It stands in the
 * `user-agent`, and in the system prompt's first block for when a proxy took the header for itself.
 * [Claude Code 2.1.330, 2.1.197: `claude-cli/2.1.330 (external, cli)`, `claude-cli/2.1.330 (external, sdk-ts, agent-sdk/0.3.330)`]
 */
export function callsFromTerminal({ userAgent, system }: EntrypointClues): boolean {
  const [, named] = /^claude-cli\/\S+ \(\w+, ([^,)]+)/.exec(userAgent ?? '') ?? [];
  return (named ?? billedEntrypoint(system)) === 'cli';
}

/** The parts of a request that tell a side request from a turn. */
export interface SideRequestClues {
  readonly caller: ClientKind;
  /** `x-claude-code-request-class`: what Claude Code itself says, when it runs with `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`. */
  readonly requestClass: string | undefined;
  /** `x-claude-code-agent-id`: the request is one of the caller's own sub-agents. */
  readonly agentId: string | undefined;
  readonly body: SideRequestBody;
}

/**
 * Whether a request is not a turn of the thread whose session id it carries. Claude Code sends titles, summaries, side questions
 * and its sub-agents' requests beside the real ones, with the same session id and model; they must not touch the thread. For
 * other callers every request is a turn.
 *
 * Many of them are forks of the conversation: they have its system prompt, its tools and its messages, and differ only in the
 * message that follows, so neither tools nor a system prompt make a turn. Each rule stands for recordings in `claude-code/__fixtures__`.
 * [Claude Code 2.1.330]
 */
export function isSideRequest({ caller, requestClass, agentId, body }: SideRequestClues): boolean {
  if (caller !== 'claude-code') return false;
  if (requestClass !== undefined) return requestClass !== 'main';
  if (agentId !== undefined) return true;
  // Message threads are used for turns only.
  if (body.thread !== undefined && body.thread !== null) return false;
  if (isMarkedAsHelper(body)) return true;
  // A format without tools is a helper's; `claude -p --json-schema` hands over a tool for it instead.
  if (!offersTools(body)) return hasFormat(body) || !(requestsThinking(body) || describesEnvironment(body));
  return !cachesConversationEnd(body.messages);
}

function billedEntrypoint(system: unknown): string | undefined {
  const billing = texts(system).find((text) => text.startsWith(BILLING_HEADER)) ?? '';
  return /\bcc_entrypoint=([^;\s]+)/.exec(billing)?.[1];
}

function hasFormat({ output_config: config }: SideRequestBody): boolean {
  return config?.['format'] !== undefined;
}

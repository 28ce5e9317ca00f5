import { marksAHelper, marksItsEnd, marksTheMachine, type SideRequestBody, thinks, offersTools } from './side-marks.js';

/** Who is calling, as far as it changes what we do. */
export type Caller = 'claude-code' | 'sdk';

/** The parts of a request that tell who is calling. */
export interface CallerClues {
  readonly userAgent: string | undefined;
  readonly xApp: string | undefined;
}

/**
 * Claude Code names itself in `user-agent` (`claude-cli/2.1.330 (external, sdk-cli)`) and `x-app` (`cli`, `cli-bg`); a proxy
 * may strip either. [Claude Code 2.1.330]
 */
export function callerOf(clues: CallerClues): Caller {
  const isClaudeCode = clues.userAgent?.startsWith('claude-cli/') === true || clues.xApp?.startsWith('cli') === true;
  return isClaudeCode ? 'claude-code' : 'sdk';
}

/** The parts of a request that tell a side request from a turn. */
export interface SideRequestClues {
  readonly caller: Caller;
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
 * message that follows, so neither tools nor a system prompt make a turn. Each rule stands for recordings in `__fixtures__`.
 * [Claude Code 2.1.330]
 */
export function isSideRequest({ caller, requestClass, agentId, body }: SideRequestClues): boolean {
  if (caller !== 'claude-code') return false;
  if (requestClass !== undefined) return requestClass !== 'main';
  if (agentId !== undefined) return true;
  // Message threads are used for turns only.
  if (body.thread !== undefined && body.thread !== null) return false;
  if (marksAHelper(body)) return true;
  // A format without tools is a helper's; `claude -p --json-schema` hands over a tool for it instead.
  if (!offersTools(body)) return hasFormat(body) || !(thinks(body) || marksTheMachine(body));
  return !marksItsEnd(body.messages);
}

function hasFormat({ output_config: config }: SideRequestBody): boolean {
  return config?.['format'] !== undefined;
}

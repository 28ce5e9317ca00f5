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
  readonly hasTools: boolean;
  readonly hasOutputFormat: boolean;
  /** `x-claude-code-agent-id`: the request is one of the caller's own sub-agents. */
  readonly agentId: string | undefined;
}

/**
 * Whether a request is not a turn of the thread whose session id it carries. Claude Code asks for titles and other small
 * things beside the real request, with the same session id and model; they must not touch the thread. [Claude Code 2.1.330,
 * interactive: the real request has tools and no `output_config.format`, the others have no tools or have a format]
 */
export function isSideRequest(clues: SideRequestClues): boolean {
  if (clues.caller !== 'claude-code') return false;
  return clues.agentId !== undefined || !clues.hasTools || clues.hasOutputFormat;
}

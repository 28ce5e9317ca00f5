import type { JsonObject } from '../harness-event.js';
import type { Prompt, PromptBlock } from '../prompt.js';

/** One block of an earlier conversation. */
export type SeedBlock =
  | PromptBlock
  | {
      readonly type: 'tool-call';
      readonly id: string;
      readonly name: string;
      /** Where the tool ran: `caller` for a tool of the caller, else the MCP server that owns it, or `agent`. */
      readonly server: string;
      readonly input: JsonObject;
    }
  | { readonly type: 'tool-result'; readonly id: string; readonly content: Prompt; readonly isError: boolean };

/**
 * One message of an earlier conversation, to seed an agent that has no record of it. In a seed, the roles alternate and the first one is
 * `user`; calls are in `assistant` messages, and the next `user` message has the result of each of them. There is no thinking.
 */
export interface SeedMessage {
  readonly role: 'user' | 'assistant';
  /** Not empty. */
  readonly content: readonly SeedBlock[];
}

/** The `server` of a call of a tool that the caller ran. */
export const CALLER_SERVER = 'caller';

/** The `server` of a call of a tool that the agent's own program, or the model's API, ran. */
export const AGENT_SERVER = 'agent';

import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, isJsonObject } from '../../../domain/json.js';

/** What an agent says of itself when it is started. */
export interface AgentCapabilities {
  /** Whether it takes up an earlier session, and tells all of it again. */
  readonly loads: boolean;
  /** Whether it takes up an earlier session and tells nothing of it. */
  readonly resumes: boolean;
  readonly takesImages: boolean;
  readonly takesHttpMcp: boolean;
  /** Whether a session can be opened with a text for its system prompt. */
  readonly takesSystemPrompt: boolean;
}

/** Reads `agentCapabilities` of the answer to `initialize`. */
export function readCapabilities({ agentCapabilities }: JsonObject): AgentCapabilities {
  const capabilities = asObject(agentCapabilities);
  const session = asObject(capabilities['sessionCapabilities']);
  return {
    loads: capabilities['loadSession'] === true,
    resumes: isJsonObject(session['resume']),
    takesImages: asObject(capabilities['promptCapabilities'])['image'] === true,
    takesHttpMcp: asObject(capabilities['mcpCapabilities'])['http'] === true,
    takesSystemPrompt: isJsonObject(session['systemPrompt']),
  };
}

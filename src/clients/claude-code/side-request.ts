import type { ClientRequest, ClientRequestBody } from '../client-profile.js';
import {
  cachesConversationEnd,
  describesEnvironment,
  isMarkedAsHelper,
  offersTools,
  requestsThinking,
} from './side-request-signals.js';

/** Claude Code's own classification of the request, sent with `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`. [2.1.330] */
const REQUEST_CLASS_HEADER = 'x-claude-code-request-class';
/** Sent with requests of the caller's own sub-agents. [2.1.330] */
const AGENT_ID_HEADER = 'x-claude-code-agent-id';

/**
 * Whether a request is not a turn of the thread of its session id. Claude Code sends titles, summaries, side questions and requests of
 * its sub-agents with the session id and the model of its turns; they must not touch the thread.
 *
 * Many of them are forks of the conversation: they have its system prompt, tools and messages and differ only in the last message, so
 * tools or a system prompt do not identify a turn. Each rule covers recordings in `__fixtures__`. [Claude Code 2.1.330]
 */
export function isSideRequest({ header, body }: ClientRequest): boolean {
  const requestClass = header(REQUEST_CLASS_HEADER);
  if (requestClass !== undefined) return requestClass !== 'main';
  if (header(AGENT_ID_HEADER) !== undefined) return true;
  // Claude Code uses message threads for turns only.
  if (body.thread !== undefined && body.thread !== null) return false;
  if (isMarkedAsHelper(body)) return true;
  // A request with a format and without tools is a helper's; `claude -p --json-schema` offers a tool instead.
  if (!offersTools(body)) return hasFormat(body) || !(requestsThinking(body) || describesEnvironment(body));
  return !cachesConversationEnd(body.messages);
}

function hasFormat({ output_config: config }: ClientRequestBody): boolean {
  return config?.['format'] !== undefined;
}

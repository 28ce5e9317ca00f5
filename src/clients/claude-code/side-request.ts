import type { ClientRequest, ClientRequestBody } from '../client-profile.js';
import {
  cachesConversationEnd,
  describesEnvironment,
  isMarkedAsHelper,
  offersTools,
  requestsThinking,
} from './side-request-signals.js';

/** What Claude Code itself says a request is, when it runs with `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`. [2.1.330] */
const REQUEST_CLASS_HEADER = 'x-claude-code-request-class';
/** The request is one of the caller's own sub-agents. [2.1.330] */
const AGENT_ID_HEADER = 'x-claude-code-agent-id';

/**
 * Whether a request is not a turn of the thread whose session id it carries. Claude Code sends titles, summaries, side questions
 * and its sub-agents' requests beside the real ones, with the same session id and model; they must not touch the thread.
 *
 * Many of them are forks of the conversation: they have its system prompt, its tools and its messages, and differ only in the
 * message that follows, so neither tools nor a system prompt make a turn. Each rule stands for recordings in `__fixtures__`.
 * [Claude Code 2.1.330]
 */
export function isSideRequest({ header, body }: ClientRequest): boolean {
  const requestClass = header(REQUEST_CLASS_HEADER);
  if (requestClass !== undefined) return requestClass !== 'main';
  if (header(AGENT_ID_HEADER) !== undefined) return true;
  // Message threads are used for turns only.
  if (body.thread !== undefined && body.thread !== null) return false;
  if (isMarkedAsHelper(body)) return true;
  // A format without tools is a helper's; `claude -p --json-schema` hands over a tool for it instead.
  if (!offersTools(body)) return hasFormat(body) || !(requestsThinking(body) || describesEnvironment(body));
  return !cachesConversationEnd(body.messages);
}

function hasFormat({ output_config: config }: ClientRequestBody): boolean {
  return config?.['format'] !== undefined;
}

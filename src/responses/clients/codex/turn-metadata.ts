import { asString, parseObject } from '../../../domain/json.js';
import type { ResponsesCall } from '../responses-client.js';

/** What Codex says of a request, in the header `x-codex-turn-metadata` and again in `client_metadata`. [Codex 0.169.0] */
export interface CodexMetadata {
  readonly threadId: string | undefined;
  /** The same in each try of a turn, in its tool rounds, and when its user adds words; new for each prompt. */
  readonly turnId: string | undefined;
  /** `turn`, `compaction`, `prewarm`. */
  readonly requestKind: string | undefined;
  /** `user`, `subagent`, `thread_title`; absent for clients of its app-server. */
  readonly threadSource: string | undefined;
}

/** The header that Codex sends back with each further request of a turn once a response had it, and not in the next turn. [Codex 0.169.0] */
export const TURN_STATE_HEADER = 'x-codex-turn-state';

const ID = /^[\w-]{1,100}$/;

/** Reads what Codex says of a request. Malformed ids are left out. */
export function readCodexMetadata({ header, body }: ResponsesCall): CodexMetadata {
  const copy = body.client_metadata?.['x-codex-turn-metadata'];
  const metadata =
    parseObject(header('x-codex-turn-metadata') ?? '') ?? parseObject(typeof copy === 'string' ? copy : '') ?? {};
  return {
    threadId: toId(header('thread-id')) ?? toId(asString(metadata['thread_id'])),
    turnId: toId(asString(metadata['turn_id'])) ?? toId(header(TURN_STATE_HEADER)),
    requestKind: asString(metadata['request_kind']),
    threadSource: asString(metadata['thread_source']),
  };
}

function toId(text: string | undefined): string | undefined {
  return text !== undefined && ID.test(text) ? text : undefined;
}

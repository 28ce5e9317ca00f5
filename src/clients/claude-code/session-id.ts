import { parseObject } from '../../domain/json.js';
import type { ClientSession, HeaderReader } from '../client-profile.js';

/** The header in which Claude Code names its session. [2.1.330] */
const SESSION_ID_HEADER = 'x-claude-code-session-id';

/** The `metadata.user_id` of 2.0.76, which has no header for its session id; the account is empty with an API key. (seen) */
const OLDER_USER_ID = /^user_[^_]*_account_[^_]*_session_([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})$/i;

/** Longest user id that is looked into, in characters: Claude Code's has some 200. A string may hold the JSON of millions of values. */
const MAX_USER_ID = 4096;

/** Keeps the threads of Claude Code's sessions apart from others. Part of stored keys: it must not change. */
const NAMESPACE = 'claude';

/**
 * The session of Claude Code that a request belongs to: by its header, or by `metadata.user_id` for when a proxy strips headers;
 * `undefined` without either. [2.1.330]
 */
export function findSession(header: HeaderReader, userId: unknown): ClientSession | undefined {
  const named = header(SESSION_ID_HEADER);
  if (named !== undefined) return { id: named, namespace: NAMESPACE, field: SESSION_ID_HEADER };
  const id = parseUserId(userId);
  return id === undefined ? undefined : { id, namespace: NAMESPACE, field: 'metadata.user_id: session_id' };
}

/** The session id of `{"device_id":…,"session_id":…}` as a string, or of the older form; `undefined` for any other user id. */
function parseUserId(userId: unknown): string | undefined {
  if (typeof userId !== 'string' || userId.length > MAX_USER_ID) return undefined;
  if (!userId.startsWith('{')) return OLDER_USER_ID.exec(userId)?.[1];
  const sessionId = parseObject(userId)?.['session_id'];
  return typeof sessionId === 'string' ? sessionId : undefined;
}

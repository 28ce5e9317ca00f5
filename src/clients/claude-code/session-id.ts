import { asString, parseObject } from '../../domain/json.js';
import { asUserId } from '../../domain/user-id.js';
import type { ClientSession, HeaderReader } from '../client-profile.js';

/** The header in which Claude Code names its session. [2.1.330] */
const SESSION_ID_HEADER = 'x-claude-code-session-id';

/** The `metadata.user_id` of 2.0.76, which sends no session header; the account is empty with an API key. (observed) */
const OLDER_USER_ID = /^user_[^_]*_account_[^_]*_session_([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})$/i;

/** Longer user ids are not parsed: Claude Code's have about 200 characters, and a string may hold JSON with millions of values. */
const MAX_USER_ID_CHARS = 4096;

/** Separates Claude Code's sessions from other threads. Part of stored keys, so it must not change. */
const NAMESPACE = 'claude';

/**
 * Finds the Claude Code session of a request by its header, or by `metadata.user_id` if a proxy stripped the header; `undefined`
 * without either. [2.1.330]
 */
export function findSession(header: HeaderReader, userId: unknown): ClientSession | undefined {
  const headerId = header(SESSION_ID_HEADER);
  if (headerId !== undefined) return { id: headerId, namespace: NAMESPACE, field: SESSION_ID_HEADER };
  const id = parseUserId(userId);
  return id === undefined ? undefined : { id, namespace: NAMESPACE, field: 'metadata.user_id: session_id' };
}

/**
 * Finds the user of a request by `metadata.user_id`. Claude Code's has the session as well, which would make a user of each; what is left
 * is the machine, or the account. [2.1.330, 2.0.76]
 */
export function findUser(userId: unknown): string | undefined {
  if (typeof userId !== 'string' || parseUserId(userId) === undefined) return asUserId(userId);
  if (!userId.startsWith('{')) return asUserId(userId.replace(/_session_[^_]*$/, ''));
  const { device_id, account_uuid } = parseObject(userId) ?? {};
  return asUserId(asString(device_id)) ?? asUserId(asString(account_uuid));
}

/** Parses the session id from a user id in the form `{"device_id":…,"session_id":…}` or the older form; else `undefined`. */
function parseUserId(userId: unknown): string | undefined {
  if (typeof userId !== 'string' || userId.length > MAX_USER_ID_CHARS) return undefined;
  if (!userId.startsWith('{')) return OLDER_USER_ID.exec(userId)?.[1];
  const sessionId = parseObject(userId)?.['session_id'];
  return typeof sessionId === 'string' ? sessionId : undefined;
}

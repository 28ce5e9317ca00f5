import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ServiceError } from '../domain/service-error.js';
import { threadKeyProblem } from './thread-key.js';

/** The parts of a request that name its thread. Header values are as Node gives them: `undefined` when absent. */
export interface ThreadClues {
  /** `x-chiron-thread-key`, or `x-centaur-thread-key`. */
  readonly threadKey: string | undefined;
  /** `x-claude-code-session-id`. */
  readonly sessionId: string | undefined;
  /** `metadata.user_id` of the body. */
  readonly userId: unknown;
  /** The request is beside the conversation and must not touch its thread. */
  readonly isSideRequest: boolean;
}

/** The thread that a request means. */
export interface ResolvedThread {
  readonly key: string;
  /** The request named none, and this key was made for it. */
  readonly isFresh: boolean;
}

/** Finds out which thread a request means. It does not look whether there is one: the key alone decides. */
@Injectable()
export class ThreadResolver {
  /** @throws ServiceError (`bad_request`) for a key that is empty or malformed. */
  resolve(clues: ThreadClues): ResolvedThread {
    if (clues.isSideRequest) return { key: `side:${randomUUID()}`, isFresh: true };
    const key = namedKey(clues);
    if (key === undefined) return { key: `api:${randomUUID()}`, isFresh: true };
    const problem = threadKeyProblem(key);
    if (problem !== undefined) throw new ServiceError('bad_request', problem);
    return { key, isFresh: false };
  }
}

function namedKey(clues: ThreadClues): string | undefined {
  if (clues.threadKey !== undefined) return utf8(clues.threadKey);
  if (clues.sessionId !== undefined) {
    if (clues.sessionId.trim() === '')
      throw new ServiceError('bad_request', 'x-claude-code-session-id must not be empty');
    return `api:claude:${utf8(clues.sessionId)}`;
  }
  const sessionId = parseSessionId(clues.userId);
  return sessionId === undefined ? undefined : `api:claude:${sessionId}`;
}

/** What 2.0.76 sends, which has no header for its session id; the account is empty with an API key. (seen) */
const OLDER_USER_ID = /^user_[^_]*_account_[^_]*_session_([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})$/i;

/** Longest user id that is looked into, in characters: Claude Code's has some 200. A string may hold the JSON of millions of values. */
const MAX_USER_ID = 4096;

/** Claude Code puts its session id here too, for proxies that strip headers: `{"device_id":…,"session_id":…}` as a string. [2.1.330] */
function parseSessionId(userId: unknown): string | undefined {
  if (typeof userId !== 'string' || userId.length > MAX_USER_ID) return undefined;
  if (!userId.startsWith('{')) return OLDER_USER_ID.exec(userId)?.[1];
  const parsed = parsedOrUndefined(userId);
  if (typeof parsed !== 'object' || parsed === null || !('session_id' in parsed)) return undefined;
  const { session_id: sessionId } = parsed;
  if (sessionId === '') throw new ServiceError('bad_request', 'metadata.user_id: session_id must not be empty');
  return typeof sessionId === 'string' ? sessionId : undefined;
}

/** Any text is a good user id; one that is not JSON just names no session. */
function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node reads header bytes as Latin-1. */
function utf8(header: string): string {
  return Buffer.from(header, 'latin1').toString('utf8');
}

import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { SIDE_THREAD_PREFIX } from '../domain/side-thread.js';
import { ServiceError } from '../domain/service-error.js';
import { findThreadKeyProblem } from './thread-key.js';

/** A session of the caller's client. */
export interface SessionClue {
  readonly id: string;
  /** Separates the ids of one kind of client from those of others. */
  readonly namespace: string;
  /** The field or header that had the id. */
  readonly field: string;
}

/** The parts of a request that name its thread. */
export interface ThreadClues {
  /** The key in the request, if any. */
  readonly threadKey: string | undefined;
  /** The session that the request belongs to. Ignored if there is a key. */
  readonly session: SessionClue | undefined;
  /** A side request must not touch the thread of the conversation. */
  readonly isSideRequest: boolean;
}

/** The thread that a request resolves to. */
export interface ResolvedThread {
  readonly key: string;
  /** Whether the request named no thread, so that the key is new. */
  readonly isFresh: boolean;
}

/** Resolves a request to a thread key. It does not check whether the thread exists. */
@Injectable()
export class ThreadResolver {
  /** @throws ServiceError (`bad_request`) for a key that is empty or malformed. */
  resolve(clues: ThreadClues): ResolvedThread {
    if (clues.isSideRequest) return { key: `${SIDE_THREAD_PREFIX}${randomUUID()}`, isFresh: true };
    const key = findKey(clues);
    if (key === undefined) return { key: `api:${randomUUID()}`, isFresh: true };
    const problem = findThreadKeyProblem(key);
    if (problem !== undefined) throw new ServiceError('bad_request', problem);
    return { key, isFresh: false };
  }
}

/** The key that a request names, if it is one; `undefined` also for a malformed one. */
export function findThreadKey(clues: Pick<ThreadClues, 'threadKey' | 'session'>): string | undefined {
  if (clues.threadKey === undefined && clues.session?.id.trim() === '') return undefined;
  const key = findKey(clues);
  return key === undefined || findThreadKeyProblem(key) !== undefined ? undefined : key;
}

function findKey({ threadKey, session }: Pick<ThreadClues, 'threadKey' | 'session'>): string | undefined {
  if (threadKey !== undefined || session === undefined) return threadKey;
  if (session.id.trim() === '') throw new ServiceError('bad_request', `${session.field} must not be empty`);
  return `api:${session.namespace}:${session.id}`;
}

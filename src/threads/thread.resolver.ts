import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ServiceError } from '../domain/service-error.js';
import { threadKeyProblem } from './thread-key.js';

/** A session of the caller's client. */
export interface SessionClue {
  readonly id: string;
  /** What keeps the ids of one kind of client apart from those of others. */
  readonly namespace: string;
  /** Where the id stood in the request. */
  readonly field: string;
}

/** The parts of a request that name its thread. */
export interface ThreadClues {
  /** The key that the request names; `undefined` for none. */
  readonly threadKey: string | undefined;
  /** The session that the request belongs to. Counts only without a key. */
  readonly session: SessionClue | undefined;
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

function namedKey({ threadKey, session }: ThreadClues): string | undefined {
  if (threadKey !== undefined || session === undefined) return threadKey;
  if (session.id.trim() === '') throw new ServiceError('bad_request', `${session.field} must not be empty`);
  return `api:${session.namespace}:${session.id}`;
}

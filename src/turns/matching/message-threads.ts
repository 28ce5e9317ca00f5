import { Injectable } from '@nestjs/common';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { ServiceError } from '../../domain/service-error.js';
import { isOfModel } from '../answered-model.js';
import { keyWithAnswer } from './conversation-key.js';

/** The answer that a request goes on from. */
export interface ContinuationPoint {
  /** The number of its turn. */
  readonly sequence: number;
  /** Its thread, whose model stays the same. */
  readonly thread: Thread;
  /** The key of the conversation up to and with the answer. */
  readonly conversationKey: string;
  /** The request names it; otherwise it was found by the conversation in the request. */
  readonly isExplicit: boolean;
}

/**
 * Message Threads: requests that hold only what is new, and name the answer that they go on from. The error codes are those of the
 * API, so that clients do what they do there: they send the whole conversation again. [@anthropic-ai/sdk 1.12.0, ThreadState]
 *
 * Unlike there, a thread is kept for as long as the server keeps it.
 */
@Injectable()
export class MessageThreads {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
  ) {}

  /**
   * Finds the answer with this id.
   *
   * @param named the thread that the request names besides, if it does.
   * @throws ServiceError (`not_found`, code `thread_not_found`) when the tenant has no such answer, or it is of another thread.
   */
  async findContinuationPoint(
    tenant: string,
    messageId: string,
    named: string | undefined,
  ): Promise<ContinuationPoint> {
    const turn = await this.turns.byMessageId(messageId);
    const thread = turn === undefined ? undefined : await this.threads.byId(turn.threadId);
    if (turn === undefined || thread?.tenant !== tenant || (named !== undefined && named !== thread.key)) {
      throw threadNotFound();
    }
    // A turn without an answer: its caller never had one to go on from.
    if (hasEnded(turn.state) && turn.message === undefined) throw threadNotFound();
    return {
      sequence: turn.sequence,
      thread,
      isExplicit: true,
      conversationKey:
        turn.message === undefined ? messageId : await keyWithAnswer(turn.requestKey, turn.message.content),
    };
  }
}

/** There is no thread to go on with. */
export function threadNotFound(): ServiceError {
  return new ServiceError('not_found', 'thread.previous_message_id: no thread has this message.', {
    code: 'thread_not_found',
  });
}

/** Refuses a request that wants something else than the thread was created with. */
export function assertSameModel(answered: ContinuationPoint, model: string): void {
  if (!isOfModel(answered.thread, model)) {
    throw refused('thread_fingerprint_mismatch', '"model" must stay as it was when the thread was created.');
  }
}

function refused(errorCode: string, what: string): ServiceError {
  return new ServiceError('bad_request', `thread.previous_message_id: ${what}`, { code: errorCode });
}

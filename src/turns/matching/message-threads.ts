import { Injectable } from '@nestjs/common';
import type { CallerTools } from '../../domain/caller-tool.js';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import { CallerToolStore } from '../../storage/stores/caller-tool.store.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { ServiceError } from '../../domain/service-error.js';
import { StoredConversation } from '../memory/stored-conversation.js';
import { readToolSetId } from '../running/input/stored-request.js';
import { isOfModel } from '../answered-model.js';
import { computeAnswerKey } from './conversation-key.js';

/** The answer that a request continues. */
export interface ContinuationPoint {
  /** The sequence number of its turn. */
  readonly sequence: number;
  /** Its thread, whose model stays the same. */
  readonly thread: Thread;
  /** The key of the conversation including the answer. */
  readonly conversationKey: string;
  /** The id of the caller's tools that its turn had; a request that names the answer has them, too, unless it has tools of its own. */
  readonly toolSetId: string | undefined;
  /** Whether the request names it; otherwise it was found by the request's conversation. */
  readonly isExplicit: boolean;
}

/**
 * Message Threads: requests with only the new messages and the id of the answer that they continue. The error codes are those of the
 * API, so that clients resend the complete conversation as they do there. [@anthropic-ai/sdk 1.12.0, ThreadState]
 *
 * Unlike in the API, threads do not expire.
 */
@Injectable()
export class MessageThreads {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly callerTools: CallerToolStore,
    private readonly conversation: StoredConversation,
  ) {}

  /** Loads the caller's tools that the turn of an answer had; `undefined` for none. */
  async inheritedTools({ thread, toolSetId }: ContinuationPoint): Promise<CallerTools | undefined> {
    return toolSetId === undefined ? undefined : this.callerTools.toolSet(thread.id, toolSetId);
  }

  /** Loads the conversation up to an answer from which its thread has gone on; `undefined` if it has not. */
  async loadBranch({ thread, sequence }: ContinuationPoint): Promise<readonly SeedMessage[] | undefined> {
    const [newest] = await this.turns.lastTurnSummaries(thread.id, 1);
    if (newest === undefined || newest.sequence <= sequence) return undefined;
    return this.conversation.loadBranchSeed(thread.id, sequence + 1);
  }

  /**
   * Finds the answer with this id.
   *
   * @param named the key of the thread that the request also names, if any.
   * @throws ServiceError (`not_found`, code `thread_not_found`) if the tenant has no such answer, or it is in another thread.
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
    // The turn has no answer, so its caller has none to continue.
    if (hasEnded(turn.state) && turn.message === undefined) throw threadNotFound();
    return {
      sequence: turn.sequence,
      thread,
      isExplicit: true,
      toolSetId: readToolSetId(turn),
      conversationKey:
        turn.message === undefined ? messageId : await computeAnswerKey(turn.requestKey, turn.message.content),
    };
  }
}

/** Makes the error for a missing thread. */
export function threadNotFound(): ServiceError {
  return new ServiceError('not_found', 'thread.previous_message_id: no thread has this message.', {
    code: 'thread_not_found',
  });
}

/** Refuses a request whose model differs from that of the thread. */
export function assertSameModel(answered: ContinuationPoint, model: string): void {
  if (!isOfModel(answered.thread, model)) {
    throw badContinuation('thread_fingerprint_mismatch', '"model" must stay as it was when the thread was created.');
  }
}

function badContinuation(errorCode: string, problem: string): ServiceError {
  return new ServiceError('bad_request', `thread.previous_message_id: ${problem}`, { code: errorCode });
}

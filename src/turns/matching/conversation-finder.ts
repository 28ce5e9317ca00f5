import { Injectable } from '@nestjs/common';
import type { FailureKind } from '../../domain/harness-event.js';
import { HarnessRegistry } from '../../harness/harness.registry.js';
import { isSideThread, type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { isOfModel } from '../answered-model.js';
import { keyWithAnswer, turnKey } from './conversation-key.js';
import type { ContinuationPoint } from './message-threads.js';
import type { PriorConversation, TurnRequest } from '../turn-request.js';

/** After so many failures of its agent in a row a thread is not expected to answer. */
const HOPELESS_FAILURES = 2;

/**
 * Finds the thread of a caller that names none and resends the conversation each time, as most programs do: by the messages
 * before its newest message. Without it every message would get a new agent without the others.
 */
@Injectable()
export class ConversationFinder {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly registry: HarnessRegistry,
  ) {}

  /** The answer that a request continues, in an unnamed thread; `undefined` when no thread has the same conversation. */
  async find(request: TurnRequest): Promise<ContinuationPoint | undefined> {
    const { history } = request;
    if (!request.isFreshThread || request.isSideRequest || history === undefined) return undefined;
    for (const key of new Set([history.promptKey, turnKey(history.promptKey, request.outputSchema)])) {
      for (const turn of await this.turns.byRequestKey(key, 0)) {
        const thread = await this.threads.byId(turn.threadId);
        if (thread === undefined || !hasSameOrigin(request, thread) || !(await answers(turn, history))) continue;
        if (!(await this.canAnswer(thread))) continue;
        const { sequence } = turn;
        return {
          sequence,
          thread,
          conversationKey: history.answerKey,
          isExplicit: false,
        };
      }
    }
    return undefined;
  }

  /** A thread whose agent is not here any more, or has failed again and again by itself, is left alone for a fresh one. */
  private async canAnswer(thread: Thread): Promise<boolean> {
    if (!this.registry.serves(thread.harness)) return false;
    const newest = await this.turns.lastTurnSummaries(thread.id, HOPELESS_FAILURES);
    return (
      newest.length < HOPELESS_FAILURES || !newest.every(({ failure }) => failure !== undefined && isOwn(failure.kind))
    );
  }
}

/** Whether a failure is the agent's own, and no answer of its model. */
function isOwn(kind: FailureKind): boolean {
  return kind === 'internal' || kind === 'process_died';
}

/** Whether a thread was begun by requests like this one: a thread with a name belongs to those who know the name. */
export function hasSameOrigin(request: TurnRequest, thread: Thread): boolean {
  return (
    thread.tenant === request.tenant &&
    thread.metadata['fresh'] === true &&
    isSideThread(thread) === request.isSideRequest &&
    // The same words to another model, under another system prompt or of another user are another conversation.
    isOfModel(thread, request.model) &&
    thread.systemPrompt === request.systemPrompt &&
    (thread.metadata['user'] ?? undefined) === request.user
  );
}

async function answers({ requestKey, message }: Turn, { answerKey, asShown }: PriorConversation): Promise<boolean> {
  if (message === undefined) return false;
  // Nearly all callers tell an answer as it is; others what they were shown of it.
  return (
    (await keyWithAnswer(requestKey, message.content)) === answerKey ||
    (await keyWithAnswer(requestKey, asShown(message))) === answerKey
  );
}

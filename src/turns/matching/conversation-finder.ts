import { Injectable } from '@nestjs/common';
import type { FailureKind } from '../../domain/harness-event.js';
import { HarnessRegistry } from '../../harness/harness.registry.js';
import { isSideThread, type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { isOfModel } from '../answered-model.js';
import { computeAnswerKey, computeTurnKey } from './conversation-key.js';
import type { ContinuationPoint } from './message-threads.js';
import type { PriorConversation, TurnRequest } from '../turn-request.js';

/** After this many consecutive failures of its agent, a thread is no longer continued. */
const MAX_AGENT_FAILURES = 2;

/**
 * Finds the thread of a caller that names none and resends the complete conversation, as most clients do, by the messages before the
 * newest one. Without this, every message would get a new agent that does not know the earlier ones.
 */
@Injectable()
export class ConversationFinder {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly registry: HarnessRegistry,
  ) {}

  /** Finds the answer that a request continues, in an unnamed thread; `undefined` if no thread has the same conversation. */
  async find(request: TurnRequest): Promise<ContinuationPoint | undefined> {
    const { history } = request;
    if (!request.isFreshThread || request.isSideRequest || history === undefined) return undefined;
    for (const key of new Set([history.promptKey, computeTurnKey(history.promptKey, request.outputSchema)])) {
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
          toolSetId: undefined,
        };
      }
    }
    return undefined;
  }

  /** Whether the thread's harness is served here and its agent does not keep failing; otherwise the request gets a fresh thread. */
  private async canAnswer(thread: Thread): Promise<boolean> {
    if (!this.registry.serves(thread.harness)) return false;
    const newest = await this.turns.lastTurnSummaries(thread.id, MAX_AGENT_FAILURES);
    return (
      newest.length < MAX_AGENT_FAILURES ||
      !newest.every(({ failure }) => failure !== undefined && isAgentFailure(failure.kind))
    );
  }
}

/** Whether the agent itself failed, and not its model provider. */
function isAgentFailure(kind: FailureKind): boolean {
  return kind === 'internal' || kind === 'process_died';
}

/** Whether requests like this one created the thread. A named thread belongs to callers that know its name. */
export function hasSameOrigin(request: TurnRequest, thread: Thread): boolean {
  return (
    thread.tenant === request.tenant &&
    thread.metadata['fresh'] === true &&
    isSideThread(thread) === request.isSideRequest &&
    // The same messages with another model, system prompt or user are another conversation.
    isOfModel(thread, request.model) &&
    thread.systemPrompt === request.systemPrompt &&
    (thread.metadata['user'] ?? undefined) === request.user
  );
}

async function answers({ requestKey, message }: Turn, { answerKey, asShown }: PriorConversation): Promise<boolean> {
  if (message === undefined) return false;
  // Nearly all callers send an answer back unchanged; others send it as it was shown to them.
  return (
    (await computeAnswerKey(requestKey, message.content)) === answerKey ||
    (await computeAnswerKey(requestKey, asShown(message))) === answerKey
  );
}

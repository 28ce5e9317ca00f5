import type { Thread } from '../../src/storage/stores/thread.store.js';
import type { Turn } from '../../src/storage/stores/turn.js';

/** A turn as the store gives it: queued, but for what the test says. */
export function aTurn(more: Partial<Turn> = {}): Turn {
  return {
    id: 'turn',
    messageId: 'msg_1',
    threadId: 'thread',
    sequence: 1,
    state: 'queued',
    promptKey: undefined,
    maker: undefined,
    answersTurnId: undefined,
    requestKey: 'key',
    idempotencyKey: undefined,
    caller: 'sdk',
    billedTo: { keyId: undefined, userId: undefined },
    prompt: [{ type: 'text', text: 'hi' }],
    request: {},
    attempt: 0,
    owner: undefined,
    interruptedAt: undefined,
    stopReason: undefined,
    usage: undefined,
    failure: undefined,
    message: undefined,
    deliveredAt: undefined,
    eventsPrunedAt: undefined,
    responseDeletedAt: undefined,
    createdAt: 0,
    startedAt: undefined,
    endedAt: undefined,
    ...more,
  };
}

/** A thread as the store gives it: a new one of the demo agent, but for what the test says. */
export function aThread(more: Partial<Thread> = {}): Thread {
  return {
    id: 'thread',
    tenant: 'local',
    key: 'test:thread',
    harness: 'demo',
    model: 'model-of-the-thread',
    harnessModel: undefined,
    systemPrompt: undefined,
    sessionId: undefined,
    state: 'idle',
    metadata: {},
    contextUsage: undefined,
    parkedTurnId: undefined,
    node: undefined,
    turnCount: 0,
    generation: 0,
    createdAt: 0,
    updatedAt: 0,
    ...more,
  };
}

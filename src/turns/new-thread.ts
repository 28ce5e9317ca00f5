import { randomUUID } from 'node:crypto';
import type { HarnessChoice } from '../harness/models/route-model.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { NewThread } from '../storage/stores/thread.store.js';
import type { TurnRequest } from './turn-request.js';

/** Makes the thread of a request, with its chosen harness, now (milliseconds since the epoch), for a server. */
export function toNewThread(
  request: TurnRequest,
  choice: HarnessChoice,
  createdAt: number,
  node: string | undefined,
): NewThread {
  return {
    id: randomUUID(),
    tenant: request.tenant,
    key: request.threadKey,
    harness: choice.harness,
    model: request.model,
    harnessModel: choice.model,
    systemPrompt: request.systemPrompt,
    metadata: toMetadata(request),
    createdAt,
    node,
  };
}

function toMetadata({ isFreshThread, isSideRequest, user }: TurnRequest): JsonObject {
  // Without a user it is null: threads of versions before this one have none in either case.
  const origin = { user: user ?? null };
  return isFreshThread ? { fresh: true, ...(isSideRequest ? { side: true } : {}), ...origin } : origin;
}

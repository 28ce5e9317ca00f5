import { randomUUID } from 'node:crypto';
import type { HarnessChoice } from '../harness/models/route-model.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { NewThread } from '../storage/stores/thread.store.js';
import { quoteForCaller, ServiceError } from '../domain/service-error.js';
import type { TurnRequest } from './turn-request.js';

/**
 * The thread that a request begins, with the harness that was chosen for it.
 */
export function newThread(request: TurnRequest, choice: HarnessChoice): NewThread {
  return {
    id: randomUUID(),
    tenant: request.tenant,
    key: request.threadKey,
    harness: choice.harness,
    model: request.model,
    harnessModel: choice.model,
    systemPrompt: request.systemPrompt,
    metadata: toMetadata(request),
    createdAt: Date.now(),
  };
}

/** Nothing that runs here has this name. */
export function noSuchModel(model: string): ServiceError {
  const message = `model: ${quoteForCaller(model)} is not available here. GET /v1/models lists the available models.`;
  return new ServiceError('not_found', message);
}

function toMetadata({ isFreshThread, isSideRequest, user }: TurnRequest): JsonObject {
  if (!isFreshThread) return {};
  return { fresh: true, ...(isSideRequest ? { side: true } : {}), ...(user === undefined ? {} : { user }) };
}

import { randomUUID } from 'node:crypto';
import type { HarnessChoice } from '../harness/models/route-model.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { NewThread } from '../storage/stores/thread.store.js';
import { AnthropicException, quoteForCaller } from '../anthropic/anthropic.exception.js';
import type { TurnRequest } from './turn-request.js';

/**
 * The thread that a request begins, with the harness that was chosen for it.
 *
 * @throws AnthropicException (404) when there is no harness for its model.
 */
export function newThread(request: TurnRequest, choice: HarnessChoice | undefined): NewThread {
  if (choice === undefined) throw noSuchModel(request.model);
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
export function noSuchModel(model: string): AnthropicException {
  const message = `model: ${quoteForCaller(model)} names nothing that this server has; GET /v1/models lists what it has`;
  return new AnthropicException('not_found_error', message);
}

function toMetadata({ isFreshThread, isSideRequest, user }: TurnRequest): JsonObject {
  if (!isFreshThread) return {};
  return { fresh: true, ...(isSideRequest ? { side: true } : {}), ...(user === undefined ? {} : { user }) };
}

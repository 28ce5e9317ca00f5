import { randomUUID } from 'node:crypto';
import { readStoredRules, toStoredRules } from '../domain/policy/agent-rules.js';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';
import type { HarnessName } from '../harness/harness.js';
import type { NewThreadPlace, SpareRequest } from './hosting/thread-host.js';
import type { HarnessChoice } from '../harness/models/route-model.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { NewThread } from '../storage/stores/thread.store.js';
import type { TurnRequest } from './turn-request.js';

/** Makes the thread of a request, with its chosen harness, now (milliseconds since the epoch), in its place. */
export function toNewThread(
  request: TurnRequest,
  choice: HarnessChoice,
  createdAt: number,
  { node, spareId }: NewThreadPlace,
): NewThread {
  return {
    id: spareId ?? randomUUID(),
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

/** Whether the workspace of a thread is made from another template than the deployment's, which the workspaces of spares are from. */
export function hasOwnTemplate(policies: AppliedPolicies): boolean {
  return readStoredRules(toStoredRules(policies)).workspaceTemplate !== undefined;
}

/** Which spare process of an agent fits a thread that begins with this request; `undefined` if none does. */
export function toSpareRequest(
  { isFreshThread, isSideRequest, outputSchema, callerTools, mcpServers = [], policies }: TurnRequest,
  harness: HarnessName,
  seed: readonly SeedMessage[],
): SpareRequest | undefined {
  if (hasOwnTemplate(policies)) return undefined;
  return {
    harness,
    tools: isFreshThread && isSideRequest ? 'none' : 'all',
    needs: {
      hasOutputSchema: outputSchema !== undefined,
      hasCallerTools: callerTools !== undefined,
      hasMcpServers: mcpServers.length > 0,
      hasSeed: seed.length > 0,
    },
  };
}

import { type AskedWork, modelOf } from '../../domain/policy/permissions.js';
import type { HarnessChoice } from '../../harness/models/route-model.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { TurnRequest } from '../turn-request.js';

/** What policies have to allow of a turn, besides the name of its thread: the agent that would run it. */
export function toAskedWork(
  decision: { readonly harness: HarnessChoice } | { readonly thread: Pick<Thread, 'harness' | 'harnessModel'> },
): AskedWork {
  if ('harness' in decision) {
    const { harness, model } = decision.harness;
    return { harness, model: modelOf(harness, model) };
  }
  const { harness, harnessModel } = decision.thread;
  return { harness, model: modelOf(harness, harnessModel) };
}

/**
 * The key of the thread that a request names, by itself or by a message; `undefined` for one without a name, which is new, or found by who
 * has its conversation.
 */
export function findNamedThread(
  request: Pick<TurnRequest, 'isFreshThread' | 'threadKey'> & {
    readonly continuesFrom: { readonly thread: Pick<Thread, 'metadata'> } | undefined;
  },
): string | undefined {
  const { isFreshThread, continuesFrom, threadKey } = request;
  if (isFreshThread) return undefined;
  return continuesFrom === undefined || isNamed(continuesFrom.thread) ? threadKey : undefined;
}

/** Whether the caller that began a thread gave it its key. */
export function isNamed({ metadata }: Pick<Thread, 'metadata'>): boolean {
  return metadata['fresh'] !== true;
}

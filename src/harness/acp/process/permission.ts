import type { JsonObject } from '../../../domain/harness-event.js';
import { asObjects, asString } from '../../../domain/json.js';

/**
 * The outcome of a request for permission. The sandbox is what protects us, so whatever asks for leave gets it, for as long as it can be had; but after a
 * cancel nothing does. Options are chosen by their kind: qwen-code 0.24.4 offers to "switch to default mode and allow once" (recording
 * qwen.cancel-tool).
 */
export function answerPermission({ options }: JsonObject, isCancelled: boolean): JsonObject {
  const offered = asObjects(options);
  const ofKind = (kind: string): JsonObject | undefined => offered.find((option) => option['kind'] === kind);
  const chosen = isCancelled ? undefined : asString((ofKind('allow_always') ?? ofKind('allow_once'))?.['optionId']);
  return { outcome: chosen === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: chosen } };
}

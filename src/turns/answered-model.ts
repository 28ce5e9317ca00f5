import { Logger } from '@nestjs/common';
import { answeredModel } from '../harness/models/route-model.js';
import type { Thread } from '../storage/stores/thread.store.js';
import { quoteForCaller } from '../domain/service-error.js';

const logger = new Logger('NewThread');

/** The `model` of a thread's answers. */
export function toAnsweredModel({
  model,
  harness,
  harnessModel,
}: Pick<Thread, 'model' | 'harness' | 'harnessModel'>): string {
  return answeredModel(model, { harness, model: harnessModel });
}

/** Whether a request for a model may mean this thread: by the name that began it, or by the one that its answers have. */
export function isOfModel(thread: Pick<Thread, 'model' | 'harness' | 'harnessModel'>, model: string): boolean {
  return model === thread.model || model === toAnsweredModel(thread);
}

/** Notes in the log that a new thread's agent runs another model than the one that was asked for. */
export function logReplacedModel(thread: Thread): void {
  if (toAnsweredModel(thread) === thread.model) return;
  const fields = { threadId: thread.id, model: quoteForCaller(thread.model), harness: thread.harness };
  logger.log(fields, 'the agent does not know the requested model; running its default model');
}

import { Logger } from '@nestjs/common';
import { answeredModel } from '../harness/models/route-model.js';
import type { Thread } from '../storage/stores/thread.store.js';
import { quoteForCaller } from '../domain/service-error.js';

const logger = new Logger('NewThread');

/** Returns the `model` of a thread's answers. */
export function toAnsweredModel({
  model,
  harness,
  harnessModel,
}: Pick<Thread, 'model' | 'harness' | 'harnessModel'>): string {
  return answeredModel(model, { harness, model: harnessModel });
}

/** Whether a request's model matches this thread: the model of its first request, or that of its answers. */
export function isOfModel(thread: Pick<Thread, 'model' | 'harness' | 'harnessModel'>, model: string): boolean {
  return model === thread.model || model === toAnsweredModel(thread);
}

/** Logs that a new thread's agent runs a model other than the requested one. */
export function logReplacedModel(thread: Thread): void {
  if (toAnsweredModel(thread) === thread.model) return;
  const fields = { threadId: thread.id, model: quoteForCaller(thread.model), harness: thread.harness };
  logger.log(fields, 'the agent does not know the requested model; running its default model');
}

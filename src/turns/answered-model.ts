import { answeredModel } from '../harness/choose-harness.js';
import type { Thread } from '../storage/thread.store.js';

/** The `model` of a thread's answers. */
export function answeredModelOf({
  model,
  harness,
  harnessModel,
}: Pick<Thread, 'model' | 'harness' | 'harnessModel'>): string {
  return answeredModel(model, { harness, model: harnessModel });
}

/** Whether a request for a model may mean this thread: by the name that began it, or by the one that its answers have. */
export function isOfModel(thread: Pick<Thread, 'model' | 'harness' | 'harnessModel'>, model: string): boolean {
  return model === thread.model || model === answeredModelOf(thread);
}

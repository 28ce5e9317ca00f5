import type { Prompt } from '../harness/prompt.js';
import type { Thread } from '../storage/thread.store.js';
import type { Turn } from '../storage/turn.js';
import type { SameRequest } from './attach.js';

/** A request for a turn, as far as it matters to threads and turns. */
export interface TurnRequest extends SameRequest {
  readonly tenant: string;
  /** The thread that the request names, or the fresh one that it gets unless it turns out to be a retry. */
  readonly threadKey: string;
  /** Whether the request named no thread, so that `threadKey` was made up for it. */
  readonly isFreshThread: boolean;
  readonly model: string;
  readonly systemPrompt: string | undefined;
  readonly prompt: Prompt;
  readonly caller: string;
  readonly idempotencyKey: string | undefined;
  /** The caller's user interrupted the turn that may still be running. */
  readonly interrupts: boolean;
}

/** A turn that a request means, and its thread. */
export interface OpenedTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** The turn was there before the request. */
  readonly attached: boolean;
}

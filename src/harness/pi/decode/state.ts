import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { RunningTool } from '../../decode/progress-notice.js';

/** A block of the message that is being streamed. */
export interface PiBlock {
  readonly kind: 'text' | 'thinking';
  /** What was told of it so far. */
  readonly text: string;
  readonly hasEnded: boolean;
}

/** The message of the model that is being streamed. */
export interface PiMessage {
  /** The first part of the ids of its blocks. */
  readonly id: string;
  /** By their index in the message. */
  readonly blocks: ReadonlyMap<number, PiBlock>;
  /** Whether the start of its model call was told. */
  readonly isUsedByPi: boolean;
}

/** How the newest message of the model ended. */
export interface PiStop {
  readonly stopReason: string;
  /** The reason in the provider's own word. */
  readonly rawStopReason: string | undefined;
  readonly errorMessage: string | undefined;
}

/** A further message of the user that pi has been given and has not told of yet. */
export interface PiQueuedMessage {
  readonly id: string;
  /** The text under which pi tells of it. */
  readonly text: string;
}

/** What has to be known to decode the next event of a turn. */
export interface PiState {
  readonly message: PiMessage | undefined;
  readonly tools: ReadonlyMap<string, RunningTool>;
  readonly queued: readonly PiQueuedMessage[];
  /** Whether pi has told of the prompt; later messages of the user are further ones. */
  readonly hasPrompt: boolean;
  /** The model of the newest message. */
  readonly model: string;
  readonly stop: PiStop | undefined;
  readonly hasEnded: boolean;
}

/** The next state, and what the event tells. */
export type PiStep = readonly [PiState, readonly HarnessEvent[]];

/** The state before a turn. */
export const PI_START: PiState = {
  message: undefined,
  tools: new Map(),
  queued: [],
  hasPrompt: false,
  model: 'unknown',
  stop: undefined,
  hasEnded: false,
};

/** Pi has been given a further message of the user. */
export function withQueued(state: PiState, message: PiQueuedMessage): PiState {
  return { ...state, queued: [...state.queued, message] };
}

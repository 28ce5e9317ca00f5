import type { TokenUsage } from '../domain/harness-event.js';
import type { Message, StreamEvent } from '../anthropic/stream-event.js';
import { initialWireUsage } from '../anthropic/usage.js';
import { messageEnd, messageStart, type MessageStop, completeBlockEvents } from '../anthropic/stream-parts.js';

/**
 * Replays a stored message as a stream, for callers that come after the turn's events were pruned: the same id, blocks and usage, each
 * text in one delta.
 *
 * @param knownUsage context of the thread before the turn; see {@link initialWireUsage}.
 */
export function replayMessage(message: Message, knownUsage: TokenUsage | null): readonly StreamEvent[] {
  return [
    messageStart(message.id, message.model, initialWireUsage(knownUsage)),
    ...message.content.flatMap((block, index) => completeBlockEvents(index, block)),
    ...messageEnd(toMessageStop(message), message.usage),
  ];
}

/** A finished message always has a stop reason; the type allows `null` only for `message_start`. */
function toMessageStop({ stop_reason: reason, stop_sequence: sequence, stop_details: details }: Message): MessageStop {
  return { reason: reason ?? 'end_turn', sequence, details };
}

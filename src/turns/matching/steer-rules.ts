import { filesIn } from '../../domain/file-block.js';
import type { MessageFate } from '../../storage/stores/session-message.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import type { TurnRequest } from '../turn-request.js';

/** The fields of a request that decide whether its message can go to a running turn. */
export type SteeringRequest = Pick<
  TurnRequest,
  'callerTools' | 'continuesFrom' | 'idempotencyKey' | 'mcpServers' | 'outputSchema' | 'prompt' | 'toolResults'
>;

/** What is known of the steering of a thread. */
export interface SteeringFacts {
  /** What became of the message that an earlier attempt of the request gave to a running turn; `undefined` if there was none. */
  readonly steered: MessageFate | undefined;
  /** Whether the agent of the running turn takes further messages. */
  readonly canSteer: boolean;
}

/** Where the message of a request is that was given to a running turn before. */
export type SteeredPlace =
  /** This turn has heard it, and the request asks for that turn again. */
  | { readonly kind: 'attach'; readonly turnId: string; readonly messageId: string }
  /** This turn is running and has not heard it yet. */
  | { readonly kind: 'steer'; readonly turnId: string };

/**
 * Finds the turn that has the message of a request, or may still hear it.
 *
 * @param recent the thread's last turns.
 * @param isRetryOf whether the request would be a retry of this turn, if that were its own and had been delivered as the message was.
 */
export function findSteered(
  { idempotencyKey }: SteeringRequest,
  { steered }: SteeringFacts,
  recent: readonly TurnSummary[],
  isRetryOf: (turn: TurnSummary, message: MessageFate) => boolean,
): SteeredPlace | undefined {
  if (steered?.turnId === undefined) return undefined;
  const { turnId, isHeard } = steered;
  const turn = recent.find(({ id }) => id === turnId);
  if (!isHeard) return turn?.state === 'running' ? { kind: 'steer', turnId } : undefined;
  // Without a key, it may also be the next message, with the same words.
  const isRetry = idempotencyKey !== undefined || (turn !== undefined && isRetryOf(turn, steered));
  return isRetry ? { kind: 'attach', turnId, messageId: steered.id } : undefined;
}

/**
 * Finds the running turn that can answer a further message. Its answer belongs to two callers then, so that the message must not need a
 * turn of its own:
 *
 * | the request has                                            | why it needs its own turn                           |
 * | ---------------------------------------------------------- | --------------------------------------------------- |
 * | an output schema, or a forced tool                         | the whole answer must follow it                     |
 * | files                                                      | they are put into the workspace before a turn       |
 * | tools, results of tools, MCP servers                       | an agent gets them at the start of a turn           |
 * | the id of the answer that it continues                     | the running turn does not continue from that answer |
 * | been given to a turn before that ended without hearing it  | it would wait for one turn after another            |
 */
export function findSteerable(
  { callerTools, continuesFrom, mcpServers, outputSchema, prompt, toolResults }: SteeringRequest,
  { canSteer, steered }: SteeringFacts,
  recent: readonly TurnSummary[],
): string | undefined {
  const needsOwnTurn =
    outputSchema !== undefined ||
    callerTools !== undefined ||
    toolResults !== undefined ||
    filesIn(prompt).length > 0 ||
    (mcpServers?.length ?? 0) > 0 ||
    continuesFrom?.isExplicit === true ||
    (steered !== undefined && !steered.isHeard);
  return needsOwnTurn || !canSteer ? undefined : recent.find(({ state }) => state === 'running')?.id;
}

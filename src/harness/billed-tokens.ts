import { Logger } from '@nestjs/common';
import type { Broker } from '../broker/broker.service.js';
import { type HarnessEvent, isTurnEnd } from '../domain/harness-event.js';
import type { HarnessName, HarnessTurn } from './harness.js';
import type { HarnessRegistry } from './harness.registry.js';
import { type ClaimedTokens, findTokenDifference } from './turn-tokens.js';

/** Decides which tokens a turn is billed with: those that the broker has counted, where it has. */
export class BilledTokens {
  readonly #logger = new Logger(BilledTokens.name);

  constructor(
    private readonly broker: Broker,
    private readonly registry: HarnessRegistry,
  ) {}

  /** The last events of a turn, with the broker's count in place of the agent's own account of its tokens, if they differ. */
  async count(
    { id: threadId, harness }: { readonly id: string; readonly harness: HarnessName },
    turn: Pick<HarnessTurn, 'id' | 'attempt'>,
    claimed: ClaimedTokens,
    last: readonly HarnessEvent[],
  ): Promise<readonly HarnessEvent[]> {
    const end = last.at(-1);
    if (end === undefined || !isTurnEnd(end)) return last;
    // The broker is asked in any case: what programs ask from now on belongs to the next turn.
    const counted = await this.broker.countTokens(turn.id, this.registry.definition(harness)?.provider);
    // Of a turn that was resumed, the broker of an earlier server has seen a part.
    if (end.type !== 'turn-end' || turn.attempt > 1) return last;
    const difference = counted === undefined ? undefined : findTokenDifference(claimed.total(end), counted);
    if (difference === undefined) return last;
    const { agent, broker, isOverstated } = difference;
    const details = { threadId, turnId: turn.id, agent, broker };
    if (isOverstated) this.#logger.warn(details, 'the agent and the broker count different tokens');
    else this.#logger.debug(details, 'the broker counts tokens that the agent does not name, as of its sub-agents');
    return [...last.slice(0, -1), { ...end, usage: broker }];
  }
}

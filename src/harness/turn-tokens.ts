import type { ModelTokens } from '../broker/protocol.js';
import type { HarnessEvent, TokenUsage } from '../domain/harness-event.js';

/** A difference between what an agent says of its tokens and what the broker has counted. */
export interface TokenDifference {
  readonly agent: TokenUsage;
  readonly broker: TokenUsage;
  /**
   * Whether the agent says more of some kind of token than its provider. An honest one never does; but it may say less: Claude Code 2.1.330 leaves out
   * its sub-agents (seen).
   */
  readonly isOverstated: boolean;
}

const NONE: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 0,
};

/** Adds up what an agent says of its tokens, while its turn runs. */
export class ClaimedTokens {
  #sum = NONE;

  /** Takes the next events of the turn. */
  add(events: readonly HarnessEvent[]): void {
    for (const event of events) if (event.type === 'model-call-end') this.#sum = plus(this.#sum, event.usage);
  }

  /** The total that the turn would be billed with, by its end. */
  total(end: HarnessEvent): TokenUsage {
    return end.type === 'turn-end' && end.usage !== undefined ? end.usage : this.#sum;
  }
}

/**
 * Compares what an agent says with the broker's count, which nothing inside of the sandbox can change. Thinking is a part of the output that only the
 * agent tells apart.
 */
export function findTokenDifference(agent: TokenUsage, counted: readonly ModelTokens[]): TokenDifference | undefined {
  const sum = counted.reduce<TokenUsage>((total, each) => plus(total, { ...each, thinkingTokens: 0 }), NONE);
  const broker = { ...sum, thinkingTokens: Math.min(agent.thinkingTokens, sum.outputTokens) };
  const [said, seen] = [toFigures(agent), toFigures(broker)];
  if (said.every((figure, index) => figure === seen[index])) return undefined;
  return { agent, broker, isOverstated: said.some((figure, index) => figure > (seen[index] ?? 0)) };
}

/** What the provider counts. */
function toFigures(usage: TokenUsage): readonly number[] {
  return [
    usage.inputTokens,
    usage.outputTokens,
    usage.cacheReadInputTokens,
    usage.cacheCreationInputTokens,
    usage.cacheCreation1hInputTokens ?? 0,
  ];
}

function plus(a: TokenUsage, b: TokenUsage): TokenUsage {
  const hour = (a.cacheCreation1hInputTokens ?? 0) + (b.cacheCreation1hInputTokens ?? 0);
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadInputTokens: a.cacheReadInputTokens + b.cacheReadInputTokens,
    cacheCreationInputTokens: a.cacheCreationInputTokens + b.cacheCreationInputTokens,
    ...(hour === 0 ? {} : { cacheCreation1hInputTokens: hour }),
    thinkingTokens: a.thinkingTokens + b.thinkingTokens,
  };
}

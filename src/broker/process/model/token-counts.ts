import type { ModelTokens } from '../../protocol.ts';
import type { ModelCall } from './model-call.ts';

/** How many turns are remembered. The server asks at the end of each; those that it never asks for make room. */
const MAX_TURNS = 10_000;

/** What the agent of one turn has asked its model. */
interface Turn {
  readonly calls: ModelCall[];
  /** Whether they are all calls of the turn: it did not begin before this process did. */
  readonly isWhole: boolean;
}

/** The tokens of turns: those of all calls of their agents, also of calls whose answers are on their way. */
export class TokenCounts {
  readonly #turns = new Map<string, Turn>();
  /** The last turn of each thread. What its programs ask after its end is held to its limit, too. */
  readonly #last = new Map<string, Turn>();

  /**
   * A turn begins on a thread.
   *
   * @param isUnderway whether it began before this process did
   */
  begin(threadId: string, turnId: string, isUnderway: boolean): void {
    const turn = this.#turns.get(turnId) ?? { calls: [], isWhole: !isUnderway };
    this.#last.set(threadId, turn);
    this.#turns.set(turnId, turn);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > MAX_TURNS && oldest !== undefined) this.#turns.delete(oldest);
  }

  /** Forgets which turn was the last of a thread. */
  close(threadId: string): void {
    this.#last.delete(threadId);
  }

  /** An agent calls its model, in the last turn of its thread. */
  add(threadId: string, call: ModelCall): void {
    this.#last.get(threadId)?.calls.push(call);
  }

  /** All tokens since the last turn of a thread began. */
  total(threadId: string): number {
    return (this.#last.get(threadId)?.calls ?? []).reduce((total, call) => total + call.spent, 0);
  }

  /** The tokens of a turn, which are forgotten then; `undefined` if this process has not seen all of it. */
  take(turnId: string): readonly ModelTokens[] | undefined {
    const turn = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    if (turn?.isWhole !== true) return undefined;
    const models = new Map<string, ModelTokens>();
    for (const { tokens } of turn.calls) {
      if (tokens === undefined) continue;
      const before = models.get(tokens.model);
      models.set(tokens.model, before === undefined ? tokens : sum(before, tokens));
    }
    return [...models.values()];
  }
}

function sum(a: ModelTokens, b: ModelTokens): ModelTokens {
  return {
    model: a.model,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadInputTokens: a.cacheReadInputTokens + b.cacheReadInputTokens,
    cacheCreationInputTokens: a.cacheCreationInputTokens + b.cacheCreationInputTokens,
    cacheCreation1hInputTokens: a.cacheCreation1hInputTokens + b.cacheCreation1hInputTokens,
  };
}

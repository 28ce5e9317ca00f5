import type { ModelTokens } from '../../protocol.ts';
import type { TokenReader } from './token-reader.ts';

/** How many turns are remembered. The server asks at the end of each; those that it never asks for make room. */
const MAX_TURNS = 10_000;

/** The tokens of turns: those of all answers to their agents, also of answers that are on their way. */
export class TokenCounts {
  readonly #turns = new Map<string, TokenReader[]>();
  readonly #current = new Map<string, string>();

  /** A turn begins on a thread. */
  begin(threadId: string, turnId: string): void {
    this.#current.set(threadId, turnId);
    this.#turns.set(turnId, this.#turns.get(turnId) ?? []);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > MAX_TURNS && oldest !== undefined) this.#turns.delete(oldest);
  }

  /** Forgets which turn runs on a thread. */
  close(threadId: string): void {
    this.#current.delete(threadId);
  }

  /** An answer for the turn that runs on a thread begins. */
  add(threadId: string, answer: TokenReader): void {
    this.#turns.get(this.#current.get(threadId) ?? '')?.push(answer);
  }

  /** All tokens of the turn that runs on a thread. */
  total(threadId: string): number {
    let total = 0;
    for (const { tokens } of this.#turns.get(this.#current.get(threadId) ?? '') ?? []) {
      if (tokens === undefined) continue;
      total += tokens.inputTokens + tokens.outputTokens + tokens.cacheReadInputTokens + tokens.cacheCreationInputTokens;
    }
    return total;
  }

  /** The tokens of a turn, which are forgotten then; `undefined` if this process did not see it begin. */
  take(turnId: string): readonly ModelTokens[] | undefined {
    const answers = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    if (answers === undefined) return undefined;
    const models = new Map<string, ModelTokens>();
    for (const { tokens } of answers) {
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
  };
}

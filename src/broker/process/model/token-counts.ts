import type { ModelTokens } from '../../protocol.ts';

/** How many turns are remembered. The server asks at the end of each; those that it never asks for make room. */
const MAX_TURNS = 10_000;

/** The tokens of turns, by thread. */
export class TokenCounts {
  readonly #turns = new Map<string, Map<string, ModelTokens>>();
  readonly #current = new Map<string, string>();

  /** A turn begins on a thread. */
  begin(threadId: string, turnId: string): void {
    this.#current.set(threadId, turnId);
    this.#turns.set(turnId, this.#turns.get(turnId) ?? new Map());
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > MAX_TURNS && oldest !== undefined) this.#turns.delete(oldest);
  }

  /** Forgets which turn runs on a thread. */
  close(threadId: string): void {
    this.#current.delete(threadId);
  }

  /** Adds the tokens of an answer to the turn that runs on a thread. */
  add(threadId: string, tokens: ModelTokens): void {
    const models = this.#turns.get(this.#current.get(threadId) ?? '');
    if (models === undefined) return;
    const before = models.get(tokens.model);
    models.set(tokens.model, before === undefined ? tokens : sum(before, tokens));
  }

  /** All tokens of the turn that runs on a thread. */
  total(threadId: string): number {
    const models = this.#turns.get(this.#current.get(threadId) ?? '');
    let total = 0;
    for (const each of models?.values() ?? []) {
      total += each.inputTokens + each.outputTokens + each.cacheReadInputTokens + each.cacheCreationInputTokens;
    }
    return total;
  }

  /** The tokens of a turn, which are forgotten then; `undefined` if this process did not see it begin. */
  take(turnId: string): readonly ModelTokens[] | undefined {
    const models = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    return models === undefined ? undefined : [...models.values()];
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

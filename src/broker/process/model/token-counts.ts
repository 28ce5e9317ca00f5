import type { ModelTokens } from '../../protocol.ts';
import type { ModelCall } from './model-call.ts';
import { sumByModel } from './model-tokens.ts';

/** How many turns are remembered. The server asks at the end of each; those that it never asks for make room. */
const MAX_TURNS = 10_000;
/** The same for threads that were closed with tokens that no turn has yet. */
const MAX_CLOSED = 10_000;

/** What the agent of one turn has asked its model. */
interface Turn {
  readonly calls: ModelCall[];
  /** Calls from before the turn, after the end of the one before it, as of a program that a command has left running. */
  readonly earlier: readonly ModelCall[];
  /** Whether `calls` are all calls of the turn: it did not begin before this process did. */
  readonly isWhole: boolean;
  /** Whether the server has asked for its tokens: what comes later belongs to the next turn. */
  isOver: boolean;
  /** Those who wait for a call to end. */
  readonly waiting: Set<() => void>;
}

/** The tokens of turns: those of all calls of their agents, also of calls whose answers are on their way. */
export class TokenCounts {
  readonly #turns = new Map<string, Turn>();
  /** The last turn of each thread. What its programs ask after its end is held to its limit, too. */
  readonly #last = new Map<string, Turn>();
  /** Calls of closed threads that the next turn of the thread is to have. */
  readonly #closed = new Map<string, readonly ModelCall[]>();

  /**
   * A turn begins on a thread.
   *
   * @param isUnderway whether it began before this process did
   */
  begin(threadId: string, turnId: string, isUnderway: boolean): void {
    const turn = this.#turns.get(turnId) ?? {
      calls: [],
      earlier: this.#takeLeft(threadId),
      isWhole: !isUnderway,
      isOver: false,
      waiting: new Set(),
    };
    this.#last.set(threadId, turn);
    this.#turns.set(turnId, turn);
    keepNewest(this.#turns, MAX_TURNS);
  }

  /** Forgets which turn was the last of a thread. */
  close(threadId: string): void {
    const left = this.#takeLeft(threadId);
    this.#last.delete(threadId);
    if (left.length > 0) this.#closed.set(threadId, left);
    keepNewest(this.#closed, MAX_CLOSED);
  }

  /** An agent calls its model, in the last turn of its thread. */
  add(threadId: string, call: ModelCall): void {
    const turn = this.#last.get(threadId);
    turn?.calls.push(call);
    call.onOver(() => {
      const waiting = [...(turn?.waiting ?? [])];
      turn?.waiting.clear();
      for (const resume of waiting) resume();
    });
  }

  /**
   * The same, once the call fits into the tokens of the turn: what is spent, what calls on their way may still take, and what this one may take. So the limit
   * is passed by the size of one call at most. Resolves with whether the call may begin; not if the tokens are spent.
   */
  async admit(threadId: string, call: ModelCall, limit: number): Promise<boolean> {
    for (;;) {
      const turn = this.#last.get(threadId);
      const calls = turn?.calls ?? [];
      if (this.total(threadId) >= limit) return false;
      const isFirst = calls.every(({ isOver }) => isOver);
      const taken = calls.reduce((total, each) => total + each.reserved, 0);
      if (turn === undefined || isFirst || taken + call.reserved <= limit) {
        this.add(threadId, call);
        return true;
      }
      await new Promise<void>((resume) => turn.waiting.add(resume));
    }
  }

  /** All tokens since the last turn of a thread began. */
  total(threadId: string): number {
    return (this.#last.get(threadId)?.calls ?? []).reduce((total, call) => total + call.spent, 0);
  }

  /**
   * The tokens of a turn and of what was asked between it and the turn before, by model; each token once. `undefined` if this process has not seen all of
   * the turn: what was asked before it is kept for the next one then.
   */
  take(turnId: string): readonly ModelTokens[] | undefined {
    const turn = this.#turns.get(turnId);
    this.#turns.delete(turnId);
    if (turn === undefined) return undefined;
    turn.isOver = true;
    const own = turn.calls.flatMap((call) => call.bill() ?? []);
    if (!turn.isWhole) return undefined;
    return sumByModel([...turn.earlier.flatMap((call) => call.bill() ?? []), ...own]);
  }

  /** The calls of a thread whose tokens no turn has. Those of a turn that the server has never asked about are the turn's own. */
  #takeLeft(threadId: string): readonly ModelCall[] {
    const last = this.#last.get(threadId);
    const closed = this.#closed.get(threadId) ?? [];
    this.#closed.delete(threadId);
    const calls = [...closed, ...(last?.earlier ?? []), ...(last?.isOver === true ? last.calls : [])];
    return calls.filter((call) => !call.isOver || call.isUnbilled);
  }
}

function keepNewest(map: Map<string, unknown>, size: number): void {
  const [oldest] = map.keys();
  if (map.size > size && oldest !== undefined) map.delete(oldest);
}

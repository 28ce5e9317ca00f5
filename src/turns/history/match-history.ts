/** A stored turn, as far as a caller's history is compared with it. */
export interface ChainTurn {
  readonly id: string;
  readonly sequence: number;
  /** The key of its user message; `undefined` if it has none: a turn of the session API, or of an older version. */
  readonly promptKey: string | undefined;
  /**
   * Whether its caller must know it: it is completed, and the answer was delivered. The absence of any other turn from a history says
   * nothing: its caller may have lost the connection, pressed Escape, or be another one.
   */
  readonly isKnown: boolean;
  /** Set for a message that the turn before it heard while it ran: its caller need not know it, and no thread is forked at it. */
  readonly isFurther?: boolean;
}

/** A turn whose absence from a history says that the user took it back. */
function isMissed({ isKnown, promptKey }: ChainTurn): boolean {
  return isKnown && promptKey !== undefined;
}

/** The user messages before the newest one, as a request has them. */
export interface RequestChain {
  /** The key of each message, in order; if the client compacted the conversation, only of those after the summary. */
  readonly promptKeys: readonly string[];
  /** Whether a caller that sends no earlier messages means that there are none. */
  readonly isComplete: boolean;
  /** Whether the client says that it replaced messages by a summary. */
  readonly isCompacted: boolean;
}

/** How a request goes on with a thread. `rest` is the index in `promptKeys` of the first message that the agent lacks. */
export type HistoryMatch =
  | { readonly kind: 'continue'; readonly rest?: number }
  | { readonly kind: 'fork'; readonly from: ChainTurn; readonly rest?: number }
  | { readonly kind: 'compacted'; readonly rest?: number };

/**
 * Compares the history of a request with the turns of its thread. The request is a new message: retries are found before. The first
 * matching row wins. "Turns" are those that the caller must know; others may be missing from the history, or be in it.
 *
 * | #  | the user messages before the newest one                                | decision                                |
 * | -- | ---------------------------------------------------------------------- | --------------------------------------- |
 * | 1  | there are none, and the caller may send only its newest message        | continue                                |
 * | 2  | are the first turns, and these are all turns                           | continue                                |
 * | 3  | are the first turns, and others follow: the user rewound               | fork at the first of these              |
 * | 4  | begin with all turns: the caller got other answers elsewhere           | continue, seeded with the rest          |
 * | 5  | differ somewhere, and their last one is the last turn                  | compacted: the client changed old ones  |
 * | 6  | begin with some turns, and then differ: the user edited a message      | fork there, seeded with the rest        |
 * | 7  | have nothing in common with the turns: another conversation            | fork at the first turn, seeded with all |
 * |    | **after a summary**, which stands for some of the turns                |                                         |
 * | 8  | there are none, or they end with the last turn                         | compacted                               |
 * | 9  | are turns, and others follow: the user rewound                         | fork at the first of these              |
 * | 10 | are turns, and then differ                                             | fork there, seeded with the rest        |
 * | 11 | have nothing in common with the turns, or go on after the last one     | compacted, seeded with the rest         |
 *
 * Where the caller must know no turn, nothing is forked: rows 3, 6, 7, 9 and 10 continue.
 *
 * Messages before the first turn are those that seeded the thread, or of the thread that it was forked from. A turn without a key
 * equals any one message, or none. A message that a turn heard while it ran stands in `turns` as one that may be missing. Answers are not compared: a caller may have only a part of them, or another form.
 *
 * @param turns in order.
 */
export function matchHistory(request: RequestChain, turns: readonly ChainTurn[]): HistoryMatch {
  const { promptKeys, isComplete, isCompacted } = request;
  if (isCompacted) return matchAfterSummary(promptKeys, turns);
  if (promptKeys.length === 0) return isComplete ? forkAt(turns, 0, undefined) : { kind: 'continue' };
  const first = findFirst(promptKeys, turns[0]);
  const aligned = alignFrom(promptKeys, first, turns, 0);
  if (aligned.message > first) return decide(aligned, promptKeys, turns, 'continue');
  return endsAlike(promptKeys, turns) ? { kind: 'compacted' } : forkAt(turns, 0, 0);
}

/** Rows 8 to 11. The turns that the summary stands for are skipped. */
function matchAfterSummary(promptKeys: readonly string[], turns: readonly ChainTurn[]): HistoryMatch {
  if (promptKeys.length === 0 || endsAlike(promptKeys, turns)) return { kind: 'compacted' };
  const start = turns.findLastIndex(({ promptKey }) => promptKey !== undefined && promptKey === promptKeys[0]);
  if (start === -1) return { kind: 'compacted', rest: 0 };
  return decide(alignFrom(promptKeys, 0, turns, start), promptKeys, turns, 'compacted');
}

/** How far messages and turns agree. */
interface Alignment {
  /** The first message that is no turn, or their number. */
  readonly message: number;
  /** The first turn that is no message, or their number. */
  readonly turn: number;
}

/** Rows 2 to 6, and 9 to 11. @param otherwise the decision without a fork. */
function decide(
  { message, turn }: Alignment,
  promptKeys: readonly string[],
  turns: readonly ChainTurn[],
  otherwise: 'continue' | 'compacted',
): HistoryMatch {
  if (message === promptKeys.length) return forkAt(turns, turn, undefined, otherwise);
  if (turn === turns.length) return { kind: otherwise, rest: message };
  return endsAlike(promptKeys, turns) ? { kind: 'compacted' } : forkAt(turns, turn, message, otherwise);
}

/** Walks through messages and turns side by side, to the first known turn that is not the next message. */
function alignFrom(keys: readonly string[], start: number, turns: readonly ChainTurn[], startTurn: number): Alignment {
  let message = start;
  // The turn after the last one that is a message: turns that may be missing belong to what follows.
  let turn = startTurn;
  for (const [index, candidate] of turns.entries()) {
    if (index < startTurn) continue;
    const key = keys[message];
    if (key !== undefined && isMessage(key, candidate, turns.slice(index + 1))) {
      message += 1;
      turn = index + 1;
    } else if (isMissed(candidate)) {
      return { message, turn };
    }
  }
  return { message, turn: message < keys.length ? turns.length : turn };
}

/** Whether a message may be this turn. One without a key is taken for the message unless a later turn is. */
function isMessage(key: string, { promptKey }: ChainTurn, later: readonly ChainTurn[]): boolean {
  return promptKey === undefined ? !later.some((turn) => turn.promptKey === key) : promptKey === key;
}

/** Finds the message that is the first turn; the first message if there is none. */
function findFirst(keys: readonly string[], turn: ChainTurn | undefined): number {
  return Math.max(0, turn?.promptKey === undefined ? 0 : keys.indexOf(turn.promptKey));
}

/** Whether the last message is the last turn that the caller must know, or one after it. */
function endsAlike(keys: readonly string[], turns: readonly ChainTurn[]): boolean {
  const lastKnown = turns.findLastIndex(isMissed);
  return turns
    .slice(Math.max(0, lastKnown))
    .some(({ promptKey }) => promptKey !== undefined && promptKey === keys.at(-1));
}

/** Forks at the first of these turns, unless the caller must know none of them. */
function forkAt(
  turns: readonly ChainTurn[],
  index: number,
  rest: number | undefined,
  otherwise: 'continue' | 'compacted' = 'continue',
): HistoryMatch {
  const from = turns.slice(index).find(({ isFurther }) => isFurther !== true);
  const isForked = from !== undefined && turns.slice(index).some(isMissed);
  const more = rest === undefined ? {} : { rest };
  return isForked ? { kind: 'fork', from, ...more } : { kind: otherwise, ...more };
}

import type { FailureKind, TokenUsage } from '../../domain/harness-event.js';
import type { ModelCost } from '../../domain/prices/cost.js';
import type { HarnessName } from '../../harness/harness.js';

/** What became of a turn that this server ran: for metrics and the log. Times are milliseconds. */
export interface EndedTurn {
  readonly harness: HarnessName;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly failure: FailureKind | undefined;
  /** How long this server ran it, without its time in the queue. */
  readonly runMs: number;
  /** How long its agent took to say anything; `undefined` if it never did. */
  readonly firstEventMs: number | undefined;
  readonly usage: TokenUsage;
  /** By model; `undefined` if one of them has no known price. */
  readonly costs: readonly ModelCost[] | undefined;
  /** How often the agent's process died here in the middle of the turn. */
  readonly deaths: number;
}

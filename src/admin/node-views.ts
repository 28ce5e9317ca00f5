import type { NodeLoad, NodeRole, NodeState, NodeWithTimes } from '../storage/stores/node.store.js';
import type { UnfinishedTurn } from '../storage/stores/unfinished-turns.js';

/** A server as the admin API shows it. Times are ISO 8601. */
export interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly role: NodeRole;
  readonly state: NodeState;
  readonly started_at: string;
  readonly last_heartbeat_at: string;
  /** By the clock of the store, so that no clock of a caller has to agree with it. */
  readonly heartbeat_age_ms: number;
  readonly running_turns: number;
  readonly waiting_turns: number;
  /** How many turns may run at once. */
  readonly slots: number;
  readonly is_disk_low: boolean;
}

/** A turn that runs or waits, as the admin API shows it: where it is, and nothing of what is said in it. */
export interface UnfinishedTurnView {
  /** As logs have it. */
  readonly turn_id: string;
  readonly tenant: string;
  readonly thread_key: string;
  readonly harness: string;
  readonly state: 'queued' | 'running';
  readonly attempt: number;
  /** The id of the server that runs it, or that it waits on; `null` while no server has its thread. */
  readonly node: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
}

/** A server for administrators. What it said of its load does not hold any more once it has stopped or is lost. */
export function toNodeView(node: NodeWithTimes): NodeView {
  const isUp = node.state === 'up' || node.state === 'draining';
  const load: NodeLoad = isUp ? node.load : { ...node.load, running: 0, pending: 0 };
  return {
    id: node.id,
    name: node.name,
    role: node.role,
    state: node.state,
    started_at: new Date(node.startedAt).toISOString(),
    last_heartbeat_at: new Date(node.seenAt).toISOString(),
    heartbeat_age_ms: Math.max(0, node.silentMs),
    running_turns: load.running,
    waiting_turns: load.pending,
    slots: load.slots,
    is_disk_low: load.isDiskLow,
  };
}

/** A turn for administrators. @param lone the id of a server without others, which has all turns */
export function toUnfinishedTurnView(turn: UnfinishedTurn, lone: string | undefined): UnfinishedTurnView {
  return {
    turn_id: turn.id,
    tenant: turn.tenant,
    thread_key: turn.threadKey,
    harness: turn.harness,
    state: turn.state,
    attempt: turn.attempt,
    node: turn.node ?? lone ?? null,
    created_at: new Date(turn.createdAt).toISOString(),
    started_at: turn.startedAt === undefined ? null : new Date(turn.startedAt).toISOString(),
  };
}

/** Those that live first, and then the last seen. */
export function sortNodes(nodes: readonly NodeWithTimes[]): readonly NodeWithTimes[] {
  return nodes.toSorted(
    (one, other) =>
      RANKS[one.state] - RANKS[other.state] || one.name.localeCompare(other.name) || other.seenAt - one.seenAt,
  );
}

const RANKS: Readonly<Record<NodeState, number>> = { up: 0, draining: 0, stopped: 1, lost: 2 };

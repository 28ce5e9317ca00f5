import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { Claimant } from '../../storage/stores/turn.store.js';

/** A turn that waits to start. */
export interface PendingTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** The caller cancelled it after an earlier server had started it: it ends as interrupted as soon as it starts here. */
  readonly isCancelled: boolean;
}

/** A slot for one more running turn. */
export interface RunSlot {
  /** The caller stores it with the turn. */
  readonly claimant: Claimant;
  /** Frees the slot, unless a turn has been submitted for it. Idempotent. */
  release(): void;
}

/** How many turns this process has. */
export interface RunnerCounts {
  readonly running: number;
  readonly pending: number;
}

/** A thread's slot: reserved for a turn that is being stored and starts at once, or used by a running turn. */
type Slot<Running> = { readonly tenant: string } & (
  { readonly kind: 'reserved' } | { readonly kind: 'running'; readonly running: Running }
);

/**
 * The pending turns, in order, and the slots of running turns: one per thread, up to the deployment's limit. Where slots are scarce, the tenants
 * share them: a free one goes to the tenant that has the fewest.
 *
 * @typeParam Running the record of a running turn.
 */
export class RunQueue<Running> {
  readonly #pending: PendingTurn[] = [];
  /** By thread. */
  readonly #slots = new Map<string, Slot<Running>>();

  constructor(private readonly maxConcurrentTurns: number) {}

  get counts(): RunnerCounts {
    return { running: this.running.length, pending: this.#pending.length };
  }

  /** Whether all slots are taken: another turn would wait. */
  get isFull(): boolean {
    return this.#slots.size >= this.maxConcurrentTurns;
  }

  get running(): readonly Running[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.kind === 'running' ? [slot.running] : []));
  }

  /** The running turn of a thread. */
  runningOf(threadId: string): Running | undefined {
    const slot = this.#slots.get(threadId);
    return slot?.kind === 'running' ? slot.running : undefined;
  }

  /** The pending turns of a thread. */
  pendingOf(threadId: string): readonly PendingTurn[] {
    return this.#pending.filter(({ turn }) => turn.threadId === threadId);
  }

  /** Reserves a slot for a thread that has no turn here. False when its turn has to wait. */
  reserve({ id: threadId, tenant }: Pick<Thread, 'id' | 'tenant'>): boolean {
    if (this.isFull || this.#slots.has(threadId) || this.pendingOf(threadId).length > 0) return false;
    this.#slots.set(threadId, { kind: 'reserved', tenant });
    return true;
  }

  /** Frees a reserved slot. False when the slot is no longer reserved. */
  release(threadId: string): boolean {
    return this.#slots.get(threadId)?.kind === 'reserved' && this.#slots.delete(threadId);
  }

  /** Whether a thread has a slot that is reserved. */
  isReserved(threadId: string): boolean {
    return this.#slots.get(threadId)?.kind === 'reserved';
  }

  /** Removes and returns all pending turns. */
  clearPending(): readonly PendingTurn[] {
    return this.#pending.splice(0);
  }

  /** Puts a turn in a thread's slot. */
  setRunning({ id: threadId, tenant }: Pick<Thread, 'id' | 'tenant'>, running: Running): void {
    this.#slots.set(threadId, { kind: 'running', running, tenant });
  }

  /** Frees the slot of a turn that has finished. */
  clearRunning(threadId: string): void {
    this.#slots.delete(threadId);
  }

  enqueue(pending: PendingTurn): void {
    this.#pending.push(pending);
  }

  /** Removes and returns the first pending turn of a tenant with the fewest slots whose thread is idle, if a slot is free. */
  dequeue(): PendingTurn | undefined {
    if (this.isFull || this.#pending.length === 0) return undefined;
    const slots = new Map<string, number>();
    for (const { tenant } of this.#slots.values()) slots.set(tenant, (slots.get(tenant) ?? 0) + 1);
    let [chosen, fewest] = [-1, Infinity];
    for (const [index, { thread, turn }] of this.#pending.entries()) {
      const count = slots.get(thread.tenant) ?? 0;
      if (count < fewest && this.runningOf(turn.threadId) === undefined) [chosen, fewest] = [index, count];
    }
    return chosen === -1 ? undefined : this.#pending.splice(chosen, 1)[0];
  }

  /** Finds a pending turn. */
  findPending(turnId: string): PendingTurn | undefined {
    return this.#pending.find(({ turn }) => turn.id === turnId);
  }

  /** Removes a pending turn. */
  removePending(pending: PendingTurn): void {
    const index = this.#pending.indexOf(pending);
    if (index !== -1) this.#pending.splice(index, 1);
  }

  /** Marks a pending turn as cancelled: it keeps its position and ends as interrupted when it starts. */
  markCancelled(pending: PendingTurn): void {
    const index = this.#pending.indexOf(pending);
    if (index !== -1) this.#pending[index] = { ...pending, isCancelled: true };
  }
}

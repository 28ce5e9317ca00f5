import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';

/** A turn that waits for its start. */
export interface PendingTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** It ends as interrupted as soon as it starts: its caller cancelled it after an earlier server had begun it. */
  readonly isCancelled: boolean;
}

/** How many turns this process has. */
export interface RunnerCounts {
  readonly running: number;
  readonly pending: number;
}

/** What a thread's slot is used for: at most one turn, which runs, or which is being stored and starts at once. */
type Slot<Running> = { readonly kind: 'reserved' } | { readonly kind: 'running'; readonly running: Running };

/**
 * The turns that wait, in their order, and the slots of those that run: one per thread, and as many in all as the deployment allows.
 *
 * @typeParam Running what is kept of a turn that runs.
 */
export class RunQueue<Running> {
  readonly #pending: PendingTurn[] = [];
  /** By thread. */
  readonly #slots = new Map<string, Slot<Running>>();

  constructor(private readonly maxConcurrentTurns: number) {}

  get counts(): RunnerCounts {
    return { running: this.running.length, pending: this.#pending.length };
  }

  /** Whether another turn would have to wait for one that runs. */
  get isFull(): boolean {
    return this.#slots.size >= this.maxConcurrentTurns;
  }

  get running(): readonly Running[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.kind === 'running' ? [slot.running] : []));
  }

  /** The turn of a thread that runs. */
  runningOf(threadId: string): Running | undefined {
    const slot = this.#slots.get(threadId);
    return slot?.kind === 'running' ? slot.running : undefined;
  }

  /** The turns of a thread that wait. */
  pendingOf(threadId: string): readonly PendingTurn[] {
    return this.#pending.filter(({ turn }) => turn.threadId === threadId);
  }

  /** Reserves a slot for a thread that has no turn here. False when its turn would have to wait. */
  reserve(threadId: string): boolean {
    if (this.isFull || this.#slots.has(threadId) || this.pendingOf(threadId).length > 0) return false;
    this.#slots.set(threadId, { kind: 'reserved' });
    return true;
  }

  /** Frees a reserved slot. False when it is not reserved any more. */
  release(threadId: string): boolean {
    return this.#slots.get(threadId)?.kind === 'reserved' && this.#slots.delete(threadId);
  }

  /** Puts a turn in a thread's slot. */
  setRunning(threadId: string, running: Running): void {
    this.#slots.set(threadId, { kind: 'running', running });
  }

  /** Frees the slot of a turn that has run. */
  clearRunning(threadId: string): void {
    this.#slots.delete(threadId);
  }

  enqueue(pending: PendingTurn): void {
    this.#pending.push(pending);
  }

  /** Takes out the first waiting turn whose thread is free, if there is a slot for it. */
  dequeue(): PendingTurn | undefined {
    if (this.isFull) return undefined;
    const index = this.#pending.findIndex(({ turn }) => this.runningOf(turn.threadId) === undefined);
    return index === -1 ? undefined : this.#pending.splice(index, 1)[0];
  }

  /** Finds a waiting turn. */
  findPending(turnId: string): PendingTurn | undefined {
    return this.#pending.find(({ turn }) => turn.id === turnId);
  }

  /** Takes a waiting turn out. */
  removePending(pending: PendingTurn): void {
    const index = this.#pending.indexOf(pending);
    if (index !== -1) this.#pending.splice(index, 1);
  }

  /** Keeps a waiting turn in its place, and lets it end as interrupted when it starts. */
  markCancelled(pending: PendingTurn): void {
    const index = this.#pending.indexOf(pending);
    if (index !== -1) this.#pending[index] = { ...pending, isCancelled: true };
  }
}

import { randomUUID } from 'node:crypto';
import type { NodeIdentity } from '../storage/database/database.js';

/**
 * Who this server is for the store: one of several on PostgreSQL, whose id stays with its data folder; on SQLite a process without
 * others.
 */
export class ThisNode {
  readonly id: string;
  #incarnation = randomUUID();
  #isActive: boolean;

  /** @param id of its data folder: it runs turns once it has joined the others. Absent for a lone server. */
  constructor(id?: string) {
    this.id = id ?? randomUUID();
    this.#isActive = id === undefined;
  }

  get identity(): NodeIdentity {
    return { id: this.id, incarnation: this.#incarnation };
  }

  /** Whether it may run turns: not before it has joined the others, and not while they may have given it up. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Runs no turns until {@link begin}. */
  pause(): void {
    this.#isActive = false;
  }

  /** Becomes another start, for the store. */
  renew(): void {
    this.#incarnation = randomUUID();
  }

  /** Runs turns from now on. */
  begin(): void {
    this.#isActive = true;
  }
}

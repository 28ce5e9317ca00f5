import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type Lease, TurnStore } from '../../storage/stores/turn.store.js';

/** How long this process may be silent before others may think that it is gone, in milliseconds. */
const LEASE_MS = 60_000;
const RENEWAL = 20_000;

/** Says in the store which turns are this process's. One process runs all turns for now, so nobody else looks yet. */
@Injectable()
export class LeaseService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(LeaseService.name);
  readonly #owner = randomUUID();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly turns: TurnStore) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.renew(), RENEWAL).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** A lease of this process from now on; it is renewed for as long as the process lives. */
  lease(): Lease {
    const now = Date.now();
    return { owner: this.#owner, leaseExpiresAt: now + LEASE_MS, now };
  }

  private async renew(): Promise<void> {
    try {
      await this.turns.renewLeases(this.#owner, Date.now() + LEASE_MS);
    } catch (error) {
      this.logger.error({ err: error }, 'the leases of running turns could not be renewed');
    }
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type Lease, TurnStore } from '../../storage/stores/turn.store.js';

/** Other processes may regard this one as dead when it has not renewed its leases for this long. */
const LEASE_MS = 60_000;
const RENEWAL_INTERVAL_MS = 20_000;

/** Records in the store which turns this process owns. Nothing reads the leases yet: one process runs all turns. */
@Injectable()
export class LeaseService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(LeaseService.name);
  readonly #owner = randomUUID();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly turns: TurnStore) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.renew(), RENEWAL_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Returns a lease that starts now. This service renews it while the process lives. */
  lease(): Lease {
    const now = Date.now();
    return { owner: this.#owner, leaseExpiresAt: now + LEASE_MS, now };
  }

  private async renew(): Promise<void> {
    try {
      await this.turns.renewLeases(this.#owner, Date.now() + LEASE_MS);
    } catch (error) {
      this.logger.error({ err: error }, 'failed to renew the leases of running turns');
    }
  }
}

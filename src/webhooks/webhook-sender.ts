import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Observable, Subject, Subscription } from 'rxjs';
import { Webhook } from 'standardwebhooks';
import { Jobs } from '../cluster/jobs.js';
import { AppConfig } from '../config/app-config.js';
import { PeriodicLog } from '../http/periodic-log.js';
import { describeError } from '../storage/database/database.js';
import { type WebhookDelivery, WebhookStore } from '../storage/stores/webhook.store.js';
import { TurnRunner } from '../turns/running/turn.runner.js';
import { type DeliveryStep, nextStep } from './retry-schedule.js';

/** How many are sent at once, and how many of these to one tenant: a slow receiver holds up nobody else. */
const MAX_IN_FLIGHT = 20;
const MAX_PER_TENANT = 5;

/** How long a receiver may take. */
const TIMEOUT_MS = 15_000;

/** A claimed delivery is another server's after this long: longer than an attempt takes. */
const LEASE_MS = 60_000;

/** How often due deliveries are looked for, besides when a turn ends here: retries, and those of a server that died. */
const SWEEP_MS = 60_000;

/** How an attempt ended. */
export type DeliveryOutcome = DeliveryStep['kind'];

interface Target {
  readonly url: string;
  readonly secret: string;
}

/** Sends the stored webhooks, signed as Standard Webhooks 1.0 says. Gateways send none. */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WebhookSender.name);
  readonly #unread = new PeriodicLog(
    this.logger,
    (count, reason) => `webhooks could not be read or written ${count} times: ${reason}`,
  );
  readonly #outcomes$ = new Subject<DeliveryOutcome>();
  readonly #subscription = new Subscription();
  readonly #stop = new AbortController();
  readonly #inFlight = new Map<string, { readonly tenant: string; readonly ended: Promise<void> }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClaiming = false;
  #isAskedAgain = false;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly store: WebhookStore,
    private readonly runner: TurnRunner,
    jobs: Jobs,
  ) {
    if (this.isActive) jobs.repeat({ name: 'send_webhooks', everyMs: SWEEP_MS, isOwn: false, run: () => this.send() });
  }

  /** How each attempt here ended. Never completes; unsubscribing has no effect on deliveries. */
  get outcomes$(): Observable<DeliveryOutcome> {
    return this.#outcomes$;
  }

  onApplicationBootstrap(): void {
    if (!this.isActive) return;
    this.#subscription.add(this.runner.ended$.subscribe(() => void this.send()));
    void this.send();
  }

  /** Attempts that are under way are broken off; they are made again by the next server that looks. */
  async onApplicationShutdown(): Promise<void> {
    this.#subscription.unsubscribe();
    this.#timers.forEach(clearTimeout);
    this.#stop.abort();
    await Promise.all([...this.#inFlight.values()].map(({ ended }) => ended));
  }

  private get isActive(): boolean {
    return this.config.role !== 'gateway';
  }

  /** Claims and sends what is due, as far as there is room; what ends makes room for more. Never rejects. */
  private async send(): Promise<void> {
    if (this.#isClaiming) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isClaiming = true;
    try {
      do {
        this.#isAskedAgain = false;
        await this.claim();
      } while (this.#isAskedAgain);
    } catch (error) {
      this.#unread.note(describeError(error));
    } finally {
      this.#isClaiming = false;
    }
  }

  private async claim(): Promise<void> {
    for (;;) {
      const room = MAX_IN_FLIGHT - this.#inFlight.size;
      if (room <= 0 || this.#stop.signal.aborted) return;
      const exceptTenants = this.busyTenants();
      // One tenant may get no more than its share of a claim.
      const limit = Math.min(room, MAX_PER_TENANT);
      const claimed = await this.store.claim({ limit, leaseMs: LEASE_MS, exceptTenants });
      for (const delivery of claimed) this.start(delivery);
      if (claimed.length < limit) return;
    }
  }

  private busyTenants(): readonly string[] {
    const counts = new Map<string, number>();
    for (const { tenant } of this.#inFlight.values()) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= MAX_PER_TENANT).map(([tenant]) => tenant);
  }

  private start(delivery: WebhookDelivery): void {
    const ended = this.attempt(delivery)
      .catch((error: unknown) => this.#unread.note(describeError(error)))
      .finally(() => {
        this.#inFlight.delete(delivery.id);
        if (!this.#stop.signal.aborted) void this.send();
      });
    this.#inFlight.set(delivery.id, { tenant: delivery.tenant, ended });
  }

  private async attempt(delivery: WebhookDelivery): Promise<void> {
    const target = await this.findTarget(delivery);
    // The endpoint was removed: nobody waits for it.
    if (target === undefined) return this.store.remove(delivery.id);
    const status = await this.post(delivery, target);
    if (this.#stop.signal.aborted && status === undefined) {
      return this.store.retry(delivery.id, { delayMs: 0, wasTried: false });
    }
    const step = nextStep(status, delivery.attempt);
    this.#outcomes$.next(step.kind);
    if (step.kind === 'retry') {
      await this.store.retry(delivery.id, { delayMs: step.delayMs, wasTried: true });
      this.sendLater(step.delayMs);
      return;
    }
    if (step.kind === 'given up') {
      const { id, tenant, attempt } = delivery;
      this.logger.warn({ webhookId: id, tenant, attempts: attempt, status }, 'gave up a webhook: its receiver fails');
    }
    await this.store.remove(delivery.id);
  }

  private async findTarget({ audience, tenant }: WebhookDelivery): Promise<Target | undefined> {
    if (audience === 'tenant') return this.store.findEndpoint(tenant);
    const { webhookUrl: url, webhookSecret: secret } = this.config;
    return url === undefined || secret === undefined ? undefined : { url, secret };
  }

  /** The status of the answer; `undefined` when none came. */
  private async post({ id, payload }: WebhookDelivery, { url, secret }: Target): Promise<number | undefined> {
    const sentAt = new Date();
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: payload,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'chiron',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': new Webhook(secret).sign(id, sentAt, payload),
        },
        // Another address was not configured by anybody.
        redirect: 'manual',
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      this.logger.debug({ webhookId: id }, `a webhook got no answer: ${describeError(error)}`);
      return undefined;
    }
  }

  /** What is due before the next sweep. */
  private sendLater(delayMs: number): void {
    if (delayMs >= SWEEP_MS || this.#stop.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.send();
    }, delayMs).unref();
    this.#timers.add(timer);
  }
}

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LimitName } from '../../domain/policy/policy.js';
import type { FileTransfer } from '../../filestore/uploaded-files.js';
import type { EndedTurn } from '../../turns/running/ended-turn.js';
import { VERSION } from '../../version.js';
import type { DeliveryOutcome } from '../../webhooks/webhook-sender.js';

/** Seconds; agents work for a moment or for an hour. */
const TURN_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const REQUEST_BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
const FIRST_EVENT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const FLUSH_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** What is counted elsewhere and read when the metrics are asked for. */
export interface Levels {
  readonly running: number;
  readonly pending: number;
  readonly parked: number;
  readonly slots: number;
  readonly readers: number;
  readonly pendingEvents: number;
  readonly warm: number;
  readonly spares: number;
  readonly isDiskLow: boolean;
}

/** A request whose connection is done with it. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of the path, such as `/v1/messages/:id`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
  /** Whether its caller was there until the end of the answer. */
  readonly isWhole: boolean;
}

/** The metrics of this server, in the form of Prometheus. Labels have few values: routes, statuses, harnesses and outcomes. */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  readonly #registry = new Registry();
  readonly #loop = monitorEventLoopDelay();
  #readLevels: (() => Levels) | undefined;

  readonly #requests = this.#counter('http_requests_total', 'Answered requests.', ['method', 'route', 'status']);
  readonly #requestSeconds = this.#histogram(
    'http_request_duration_seconds',
    'From a request to the end of its answer; of a stream to its end.',
    ['route'],
    REQUEST_BUCKETS,
  );
  readonly #dropped = this.#counter('readers_dropped_total', 'Answers whose caller left before their end.', ['route']);
  readonly #limits = this.#counter('limit_refusals_total', 'Requests that a limit of a policy refused.', ['limit']);
  readonly #sandboxRefusals = this.#counter(
    'sandbox_refusals_total',
    'What agents were refused, as logged: a host at most once a minute and thread.',
    [],
  );
  readonly #turns = this.#counter('turns_total', 'Turns that ended here.', ['harness', 'outcome']);
  readonly #turnSeconds = this.#histogram(
    'turn_duration_seconds',
    'How long turns ran, without their time in the queue.',
    ['harness'],
    TURN_BUCKETS,
  );
  readonly #firstEvent = this.#histogram(
    'turn_first_event_seconds',
    'How long agents took to say anything.',
    ['harness'],
    FIRST_EVENT_BUCKETS,
  );
  readonly #tokens = this.#counter('tokens_total', 'Tokens of the model calls of ended turns.', ['harness', 'kind']);
  /** The models are those of the list of prices, so that callers, who choose the names of models, cannot add labels. */
  readonly #cost = this.#counter('cost_usd_total', 'What ended turns cost, in US dollars.', ['harness', 'model']);
  readonly #unpriced = this.#counter('unpriced_turns_total', 'Ended turns of models without a known price.', [
    'harness',
  ]);
  readonly #starts = this.#counter('harness_starts_total', 'Agent processes that were started.', ['harness']);
  readonly #deaths = this.#counter('harness_deaths_total', 'Agent processes that died in a turn.', ['harness']);
  readonly #webhooks = this.#counter('webhook_attempts_total', 'Webhooks that were sent, by what became of them.', [
    'outcome',
  ]);
  readonly #files = this.#counter('files_total', 'Files that were uploaded, and that were downloaded.', ['direction']);
  readonly #fileBytes = this.#counter('file_bytes_total', 'Bytes of these files.', ['direction']);
  readonly #flushes = this.#histogram(
    'event_flush_duration_seconds',
    'How long group commits of events took.',
    [],
    FLUSH_BUCKETS,
  );

  constructor() {
    this.#level('turns_running', 'Turns that run here.', ({ running }) => running);
    this.#level('turns_queued', 'Turns that wait for a slot or for their thread.', ({ pending }) => pending);
    this.#level('turns_parked', 'Agents that wait here for tools of their caller.', ({ parked }) => parked);
    this.#level('turn_slots', 'How many turns may run at once.', ({ slots }) => slots);
    this.#level('readers', 'Callers that read a turn.', ({ readers }) => readers);
    this.#level('events_pending', 'Events that are not committed yet.', ({ pendingEvents }) => pendingEvents);
    this.#level('harness_processes', 'Agent processes that are kept, busy or idle.', ({ warm }) => warm);
    this.#level(
      'spare_processes',
      'Agent processes that were started ahead and have no thread yet.',
      ({ spares }) => spares,
    );
    this.#level('disk_low', 'Whether the disk is almost full: 1 or 0.', ({ isDiskLow }) => Number(isDiskLow));
    this.#gauge('chiron_event_loop_lag_seconds', 'The longest delay of the event loop since the last reading.', () => {
      const seconds = this.#loop.max / 1e9;
      this.#loop.reset();
      return seconds;
    });
    this.#gauge('chiron_build_info', 'Always 1; the version is a label.', () => 1, { version: VERSION });
    this.#addProcessMetrics();
    this.#loop.enable();
  }

  /** What Prometheus reads: the type of the text, and the text. */
  async read(): Promise<{ readonly type: string; readonly text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Where the levels are read from. */
  readLevelsFrom(read: () => Levels): void {
    this.#readLevels = read;
  }

  /** Counts a request whose connection is done with it. */
  answered({ method, route, status, seconds, isWhole }: AnsweredRequest): void {
    this.#requests.inc({ method, route, status });
    this.#requestSeconds.observe({ route }, seconds);
    if (!isWhole) this.#dropped.inc({ route });
  }

  /** Counts a request that a limit of a policy refused. */
  limitRefused(limit: LimitName): void {
    this.#limits.inc({ limit });
  }

  /** Counts a file of the Files API that came in, or goes out. */
  fileMoved({ direction, bytes }: FileTransfer): void {
    this.#files.inc({ direction });
    this.#fileBytes.inc({ direction }, bytes);
  }

  /** Counts what an agent was refused. */
  sandboxRefused(): void {
    this.#sandboxRefusals.inc();
  }

  /** Counts a turn that has ended. */
  turnEnded({ harness, state, failure, runMs, firstEventMs, usage, costs, deaths }: EndedTurn): void {
    this.#turns.inc({ harness, outcome: failure ?? state });
    this.#turnSeconds.observe({ harness }, runMs / 1000);
    if (firstEventMs !== undefined) this.#firstEvent.observe({ harness }, firstEventMs / 1000);
    this.#tokens.inc({ harness, kind: 'input' }, usage.inputTokens);
    this.#tokens.inc({ harness, kind: 'output' }, usage.outputTokens);
    this.#tokens.inc({ harness, kind: 'cache_read' }, usage.cacheReadInputTokens);
    this.#tokens.inc({ harness, kind: 'cache_creation' }, usage.cacheCreationInputTokens);
    if (costs === undefined) this.#unpriced.inc({ harness });
    for (const { model, micros } of costs ?? []) this.#cost.inc({ harness, model }, micros / 1e6);
    if (deaths > 0) this.#deaths.inc({ harness }, deaths);
  }

  /** Counts a process that was started. */
  harnessStarted(harness: string): void {
    this.#starts.inc({ harness });
  }

  /** Counts an attempt to send a webhook. */
  webhookTried(outcome: DeliveryOutcome): void {
    this.#webhooks.inc({ outcome: outcome.replace(' ', '_') });
  }

  /** Counts a group commit, in milliseconds. */
  flushed(ms: number): void {
    this.#flushes.observe(ms / 1000);
  }

  onApplicationShutdown(): void {
    this.#loop.disable();
  }

  /** With the names that every client library of Prometheus has for them. */
  #addProcessMetrics(): void {
    this.#gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
    this.#gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', () =>
      Math.round(Date.now() / 1000 - process.uptime()),
    );
    this.#gauge('process_open_fds', 'Number of open file descriptors.', countOpenFiles);
    const cpu = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      registers: [],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    this.#registry.registerMetric(cpu);
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `chiron_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ): Histogram<Label> {
    return new Histogram({ name: `chiron_${name}`, help, labelNames, buckets, registers: [this.#registry] });
  }

  #level(name: string, help: string, pick: (levels: Levels) => number): void {
    const read = (): number => (this.#readLevels === undefined ? 0 : pick(this.#readLevels()));
    this.#gauge(`chiron_${name}`, help, read);
  }

  #gauge(name: string, help: string, read: () => number, labels: Readonly<Record<string, string>> = {}): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [],
      collect() {
        this.set(labels, read());
      },
    });
    this.#registry.registerMetric(gauge);
  }
}

/** 0 where the system does not tell. */
function countOpenFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger as WorkerLogger, Runner, TaskList } from 'graphile-worker';
import { sql, type Transaction } from 'kysely';
import pg from 'pg';
import { AppConfig } from '../config/app-config.js';
import { asObject, asString } from '../domain/json.js';
import { Database, describeError } from '../storage/database/database.js';
import type { Tables } from '../storage/database/tables.js';
import { Jobs, type RepeatedJob } from './jobs.js';

const PLACE = 'place_thread';

/** How many jobs a server does at once. */
const CONCURRENT_JOBS = 4;
const POOL_SIZE = 4;
/** How long after it had to stop it tries again. */
const RESTART_PAUSE_MS = 2_000;

/** graphile-worker's cron has minutes; what comes more often is rounded up. */
const MINUTE_MS = 60_000;

/** The jobs of servers that share a PostgreSQL store: one of them does each. Kept in the store by graphile-worker, in a schema of its own. */
@Injectable()
export class PostgresJobs extends Jobs implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  readonly #repeated: RepeatedJob[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #place: ((threadId: string) => Promise<boolean>) | undefined;
  #pool: pg.Pool | undefined;
  #runner: Runner | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;

  private constructor(
    private readonly library: typeof import('graphile-worker'),
    private readonly config: Pick<AppConfig, 'databaseUrl' | 'role'>,
    private readonly schema: string,
  ) {
    super();
  }

  /** Makes the tables of the jobs, or migrates them. Rejects when the store cannot be reached. */
  static async open(config: Pick<AppConfig, 'databaseUrl' | 'role'>, database: Database): Promise<PostgresJobs> {
    const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(database.kysely);
    const own = rows[0]?.schema ?? 'public';
    const library = await loadLibrary();
    const jobs = new PostgresJobs(
      library,
      config,
      own === 'public' ? 'graphile_worker' : `graphile_worker_${own}`.slice(0, 63),
    );
    // Making them migrates the tables.
    const utils = await database.alone(() => library.makeWorkerUtils({ ...jobs.#connection(), schema: jobs.schema }));
    await utils.release();
    await jobs.#pool?.end();
    jobs.#pool = undefined;
    return jobs;
  }

  override repeat(job: RepeatedJob): void {
    if (job.isOwn) this.#timers.push(setInterval(() => void job.run(), job.everyMs).unref());
    else this.#repeated.push(job);
  }

  override async addPlacements(transaction: Transaction<Tables>, threadIds: readonly string[]): Promise<void> {
    for (const threadId of threadIds) await this.#addPlacement(transaction, threadId, 0);
  }

  override onPlacement(place: (threadId: string) => Promise<boolean>): void {
    this.#place = place;
  }

  /** Gateways do no jobs: those need a server with agents, or are left to one. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.config.role === 'gateway') return;
    await this.#start();
  }

  /** graphile-worker stops when it cannot store that a job is done; it begins again once the store is back. */
  async #start(): Promise<void> {
    const tasks: TaskList = { [PLACE]: (payload) => this.#run(payload) };
    for (const { name, run: task } of this.#repeated) tasks[name] = () => task();
    this.#runner = await this.library.run({
      ...this.#connection(),
      schema: this.schema,
      concurrency: CONCURRENT_JOBS,
      pollInterval: 2000,
      noHandleSignals: true,
      logger: this.#workerLogger(),
      // Without a delay, it neither waits for these writes nor handles their failure, which would end the server (0.17).
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      taskList: tasks,
      parsedCronItems: this.library.parseCronItems(
        this.#repeated.map(({ name, everyMs }) => ({
          task: name,
          match: toCron(everyMs),
          options: { backfillPeriod: 0, maxAttempts: 1, jobKey: name, jobKeyMode: 'preserve_run_at' },
        })),
      ),
    });
    const startAgain = (): void => {
      this.#runner = undefined;
      this.#startLater();
    };
    this.#runner.promise.then(startAgain, startAgain);
  }

  #startLater(): void {
    if (this.#isStopping) return;
    this.#restart = setTimeout(() => {
      this.#start().catch((error: unknown) => {
        this.logger.warn(`jobs wait for the store: ${describeError(error)}`);
        this.#startLater();
      });
    }, RESTART_PAUSE_MS);
    this.#restart.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#restart);
    await this.#runner?.stop();
    await this.#pool?.end();
    this.#pool = undefined;
  }

  async #run(payload: unknown): Promise<void> {
    const threadId = asString(asObject(payload)['threadId']);
    if (threadId === undefined || this.#place === undefined) return;
    if (await this.#place(threadId)) return;
    await this.#runner?.addJob(PLACE, { threadId }, { ...toSpec(threadId), runAt: new Date(Date.now() + 1000) });
  }

  async #addPlacement(transaction: Transaction<Tables>, threadId: string, delaySeconds: number): Promise<void> {
    const { jobKey, maxAttempts } = toSpec(threadId);
    await sql`
      select ${sql.id(this.schema, 'add_job')}(
        ${PLACE}, payload => ${JSON.stringify({ threadId })}::json, job_key => ${jobKey}, max_attempts => ${maxAttempts}::int,
        run_at => now() + ${delaySeconds} * interval '1 second')
    `.execute(transaction);
  }

  #connection(): { readonly pgPool: pg.Pool } {
    this.#pool ??= this.#openPool();
    return { pgPool: this.#pool };
  }

  #openPool(): pg.Pool {
    const pool = new pg.Pool({
      connectionString: this.config.databaseUrl,
      max: POOL_SIZE,
      connectionTimeoutMillis: 10_000,
      application_name: 'chiron jobs',
    });
    pool.on('error', (error) => this.logger.warn(`lost a connection for jobs: ${error.message}`));
    // graphile-worker refuses a pool that does not listen to the errors of clients in use, too.
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  }

  /** Each job would be a line; failures are warnings. */
  #workerLogger(): WorkerLogger {
    return new this.library.Logger(() => (level, message) => {
      const name: string = level;
      if (name === 'error' || name === 'warning') this.logger.warn(message);
      else this.logger.debug(message);
    });
  }
}

/** Only servers with PostgreSQL load it. As it is loaded, it looks for the home of the user, who may have none. */
async function loadLibrary(): Promise<typeof import('graphile-worker')> {
  const { HOME } = process.env;
  process.env['HOME'] = HOME ?? '/';
  try {
    return await import('graphile-worker');
  } finally {
    if (HOME === undefined) delete process.env['HOME'];
  }
}

function toSpec(threadId: string): { readonly jobKey: string; readonly maxAttempts: number } {
  // A job that fails while the store is away is tried again for an hour, at growing intervals.
  return { jobKey: `place:${threadId}`, maxAttempts: 20 };
}

/** @param everyMs a divisor of an hour, or at least one. */
function toCron(everyMs: number): string {
  const minutes = Math.max(1, Math.ceil(everyMs / MINUTE_MS));
  return minutes >= 60 ? '7 * * * *' : `*/${minutes} * * * *`;
}

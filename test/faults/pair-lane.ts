import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type RunningServer, startServer } from '../support/running-server.js';
import type { KillLane } from './kill-points.js';
import { agentSettings, type RealAgents, writeAgentHome } from './agent-settings.js';
import { CLEANUP, type StoredTurn } from './lane.js';
import { BAD_USAGE, seedTenants, tenantSettings } from './tenants.js';
import { identity, type MarkedProcess, markedProcesses } from './processes.js';

const ADMIN_URL = process.env['CHIRON_TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const NAMES = ['one', 'two'] as const;

/**
 * Two servers on one PostgreSQL, with the threads' files in a folder that both have; requests go to each in turn. One that is killed is
 * started again once the turn is answered: until then, the other one has to do its work.
 */
export class PairLane implements KillLane {
  readonly traces: string;
  readonly dataDirectory: string;
  readonly #folder: string;
  readonly #databaseUrl: string;
  readonly #client: pg.Client;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #servers = new Map<string, RunningServer>();
  #outputs: string[] = [];
  #requests = 0;

  private constructor(folder: string, databaseUrl: string, settings: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.traces = join(folder, 'traces');
    this.dataDirectory = join(folder, 'volume');
    this.#databaseUrl = databaseUrl;
    this.#client = new pg.Client(databaseUrl);
    this.#settings = settings;
  }

  /** Makes the database and the folders, and starts both servers. Rejects without a PostgreSQL. */
  static async start(agents: RealAgents): Promise<PairLane> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'chiron-faults-')));
    // The users of isolated threads pass through it.
    await chmod(folder, 0o711);
    const home = await writeAgentHome(folder, agents);
    const url = new URL(ADMIN_URL);
    url.pathname = `/chiron_faults_${randomUUID().replaceAll('-', '')}`;
    await onAdmin(`create database ${url.pathname.slice(1)}`);
    await seedTenants({ databaseUrl: url.href });
    const lane = new PairLane(folder, url.href, {
      ...agentSettings(agents, home),
      ...tenantSettings(),
    });
    for (const path of [lane.traces, lane.dataDirectory]) await mkdir(path);
    await chmod(lane.traces, 0o777);
    await lane.#client.connect();
    await Promise.all(NAMES.map((name) => lane.#startServer(name)));
    return lane;
  }

  /** A server that lives, the other one each time. */
  readonly url = (): string => {
    const living = [...this.#servers.values()];
    this.#requests += 1;
    return living[this.#requests % living.length]?.url ?? 'http://127.0.0.1:1';
  };

  async serverOf(threadKey: string): Promise<number | undefined> {
    const holder = await this.#holderOf(threadKey);
    return holder === undefined ? undefined : this.#servers.get(holder)?.pid;
  }

  /** Kills the server that has the thread; before one has it, either. */
  async kill(threadKey: string): Promise<number> {
    const name = (await this.#holderOf(threadKey)) ?? 'one';
    const server = this.#servers.get(name);
    if (server === undefined) return 0;
    const own = new Set(startedBy(await this.#marked(), server.pid).map(identity));
    this.#servers.delete(name);
    await server.kill();
    this.#outputs.push(server.output());
    return this.#countLeft((one) => own.has(identity(one)));
  }

  async revive(): Promise<void> {
    // Not yet: see `settle`.
  }

  async settle(): Promise<void> {
    await Promise.all(NAMES.filter((name) => !this.#servers.has(name)).map((name) => this.#startServer(name)));
  }

  async turns(threadKey: string): Promise<readonly StoredTurn[]> {
    const { rows } = await this.#client.query<StoredTurn>(
      `select t.id, t.state, t.attempt::int, t.prompt::text, t.message::text, t.failure::text,
          coalesce((select array_agg(e.attempt || ' ' || e.events order by e.sequence) from turn_events e
            where e.turn_id = t.id), '{}') as events
        from turns t join threads h on h.id = t.thread_id where h.key = $1 order by t.sequence`,
      [threadKey],
    );
    return rows;
  }

  takeOutput(): string {
    const output = [...this.#outputs, ...[...this.#servers.values()].map((server) => server.output())];
    this.#outputs = [];
    return output.join('\n— another server —\n');
  }

  async close(): Promise<{ readonly left: number; readonly problem: string | undefined }> {
    const codes = await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    const left = await this.#countLeft(() => true);
    const { rows: unbilled } = await this.#client.query(BAD_USAGE);
    await this.#client.end();
    await onAdmin(`drop database ${new URL(this.#databaseUrl).pathname.slice(1)} with (force)`);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    const bad = codes.filter(({ code }) => code !== 0);
    if (unbilled.length > 0)
      return { left, problem: `${unbilled.length} turns are billed to nobody, or to another tenant` };
    return { left, problem: bad.length === 0 ? undefined : `servers ended with ${JSON.stringify(bad)}` };
  }

  async #startServer(name: string): Promise<void> {
    const server = await startServer({
      ...this.#settings,
      CHIRON_DATABASE_URL: this.#databaseUrl,
      CHIRON_DATA_DIR: join(this.#folder, name),
      CHIRON_NODE_NAME: name,
      CHIRON_NODE_TIMEOUT_SECONDS: '5',
      CHIRON_THREAD_STORE: 'shared',
      CHIRON_SHARED_DIRECTORY: this.dataDirectory,
      CHIRON_SANDBOX_MOUNTS: `${this.traces}:rw`,
    });
    this.#servers.set(name, server);
  }

  async #holderOf(threadKey: string): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ readonly name: string }>(
      'select n.name from threads h join nodes n on n.id = h.node where h.key = $1',
      [threadKey],
    );
    return rows[0]?.name;
  }

  /** What works for threads; not the servers, which have the folder in their environment, too. */
  async #marked(): Promise<readonly MarkedProcess[]> {
    const servers = new Set([...this.#servers.values()].map(({ pid }) => pid));
    return (await markedProcesses(this.dataDirectory, 0)).filter(({ pid }) => !servers.has(pid));
  }

  async #countLeft(isOurs: (one: MarkedProcess) => boolean): Promise<number> {
    const deadline = performance.now() + CLEANUP;
    for (;;) {
      const left = (await this.#marked()).filter(isOurs);
      if (left.length === 0 || performance.now() > deadline) return left.length;
      await delay(50);
    }
  }
}

/** Those of the processes that a server has started, and that these have. */
function startedBy(processes: readonly MarkedProcess[], server: number): readonly MarkedProcess[] {
  const found = new Set([server]);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return processes.filter(({ pid }) => found.has(pid));
}

async function onAdmin(statement: string): Promise<void> {
  const client = new pg.Client(ADMIN_URL);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

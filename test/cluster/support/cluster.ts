import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { newStore, type TestStore } from '../../../src/storage/__fixtures__/databases.js';
import { freePort } from '../../support/free-port.js';
import { newFolder, removeFolder, startMain, type Start, urlOf } from '../../support/start-main.js';
import { TcpProxy } from './tcp-proxy.js';

/** How long a server is silent before the others give it up. */
export const TIMEOUT_SECONDS = 6;

/** The folder that agents of all servers see. */
const MARKS = 'marks';

/** One server, its own way to the database, and the others' way to it; each can be cut. */
export interface ClusterServer {
  readonly name: string;
  readonly database: TcpProxy;
  readonly peers: TcpProxy;
  /** Its current process. */
  start: Start;
  url: string;
}

/** Servers of one PostgreSQL store behind a load balancer. */
export class TestCluster {
  readonly servers = new Map<string, ClusterServer>();
  readonly #apart: TcpProxy[] = [];

  private constructor(
    private readonly folder: string,
    private readonly store: TestStore,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly balancer: TcpProxy,
    private readonly client: pg.Client,
  ) {}

  /** Starts gateways `g1` …, and workers `w1` …, each with a data folder of its own. `environment` is added to that of all. */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    names: readonly string[] = ['g1', 'g2', 'w1', 'w2'],
  ): Promise<TestCluster> {
    const folder = newFolder();
    mkdirSync(join(folder, MARKS));
    const store = await newStore('postgres');
    const client = new pg.Client(store.options.databaseUrl);
    client.on('error', () => undefined);
    await client.connect();
    const cluster = new TestCluster(folder, store, environment, await TcpProxy.to(), client);
    await Promise.all(names.map((name) => cluster.add(name)));
    return cluster;
  }

  /** The load balancer. */
  get url(): string {
    return `http://127.0.0.1:${this.balancer.port}`;
  }

  /** A file or folder below the one that has everything of the cluster, such as `w1/data`. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** An empty file that commands of all agents can add to, in every kind of sandbox and on every server. */
  mark(name: string): string {
    const file = join(this.folder, MARKS, name);
    if (!existsSync(file)) writeFileSync(file, '');
    // Each thread may have a user of its own.
    chmodSync(file, 0o666);
    return file;
  }

  server(name: string): ClusterServer {
    const server = this.servers.get(name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }

  /** Starts a new server, a gateway or a worker by the first letter of its name, or `a…` for both. */
  async add(name: string): Promise<ClusterServer> {
    const [database, peers] = [await TcpProxy.to(this.#databasePort), await TcpProxy.to()];
    const start = await this.#launch(name, database, peers);
    const server = { name, database, peers, start, url: urlOf(start) };
    this.servers.set(name, server);
    this.#balance();
    return server;
  }

  /** Starts a further server that is none of the balanced ones; it may fail to start. */
  async startApart(name: string): Promise<Start> {
    const [database, peers] = [await TcpProxy.to(this.#databasePort), await TcpProxy.to()];
    this.#apart.push(database, peers);
    return this.#launch(name, database, peers);
  }

  /** Starts a server again on its data, once its process has ended; with another program than the built server, if there is one. */
  async restart(name: string, program?: string): Promise<void> {
    const server = this.server(name);
    await server.start.exit;
    server.start = await this.#launch(name, server.database, server.peers, program);
    server.url = urlOf(server.start);
    this.#balance();
  }

  /** Rows of the store. */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    return (await this.client.query<Record<string, unknown>>(text, [...values])).rows;
  }

  /** The name of the server that has the thread with this key; waits until one has it. */
  async holderOf(threadKey: string): Promise<string> {
    const deadline = performance.now() + 30_000;
    while (performance.now() < deadline) {
      const [row] = await this.query(
        `select nodes.name from threads join nodes on nodes.id = threads.node
          join turns on turns.thread_id = threads.id and turns.state = 'running' where threads.key = $1`,
        [threadKey],
      );
      if (typeof row?.['name'] === 'string') return row['name'];
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no server runs a turn of ${threadKey}`);
  }

  /** Kills all servers, and removes the store and the folders. */
  async close(): Promise<void> {
    const servers = [...this.servers.values()];
    for (const server of servers) await tellOfCrash(server);
    for (const { start } of servers) {
      start.signal('SIGCONT');
      start.signal('SIGKILL');
    }
    await Promise.all(servers.map(({ start }) => start.exit));
    for (const proxy of [...servers.flatMap(({ database, peers }) => [database, peers]), ...this.#apart]) proxy.close();
    this.balancer.close();
    await this.client.end();
    await this.store.remove();
    removeFolder(this.folder);
  }

  get #databasePort(): number {
    const { port } = new URL(this.store.options.databaseUrl ?? '');
    return Number(port === '' ? 5432 : port);
  }

  async #launch(name: string, database: TcpProxy, peers: TcpProxy, program?: string): Promise<Start> {
    const url = new URL(this.store.options.databaseUrl ?? '');
    url.port = String(database.port);
    const cwd = join(this.folder, name);
    mkdirSync(cwd, { recursive: true });
    // The port that the others are told is that of its proxy, which is made before.
    const clusterPort = await freePort();
    peers.targets = [clusterPort];
    return startMain({
      cwd,
      // Beside a hundred agents, on a machine with two processors.
      startMs: 90_000,
      ...(program === undefined ? {} : { program: [program] }),
      environment: {
        CHIRON_ROLE: name.startsWith('g') ? 'gateway' : name.startsWith('w') ? 'worker' : 'all',
        CHIRON_NODE_NAME: name,
        CHIRON_NODE_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
        CHIRON_CLUSTER_PORT: String(clusterPort),
        CHIRON_CLUSTER_URL: `http://127.0.0.1:${peers.port}`,
        CHIRON_DATABASE_URL: url.href,
        CHIRON_DATA_DIR: join(cwd, 'data'),
        CHIRON_DRAIN_SECONDS: '2',
        CHIRON_DEMO: 'on',
        CHIRON_SANDBOX_MOUNTS: `${join(this.folder, MARKS)}:rw`,
        ...this.environment,
      },
    });
  }

  #balance(): void {
    const doors = [...this.servers.values()].filter(({ name }) => !name.startsWith('w'));
    this.balancer.targets = doors.map(({ url }) => Number(new URL(url).port));
  }
}

/** Prints the end of what a server has printed that ended by itself: its test sees no more than a closed connection. */
async function tellOfCrash({ name, start }: ClusterServer): Promise<void> {
  const end = await Promise.race([start.exit, Promise.resolve('it runs')]);
  if (typeof end === 'number' && end !== 0)
    process.stderr.write(`${name} ended with ${end}:\n${start.output().slice(-5000)}\n`);
}

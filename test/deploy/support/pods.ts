import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { TcpProxy } from '../../cluster/support/tcp-proxy.js';
import { newFolder, removeFolder, startMain, type Start, urlOf } from '../../support/start-main.js';
import type { Rendered } from './helm.js';
import { onThisMachine } from './settings.js';
import { createDatabase, dropDatabase } from './test-database.js';
import { variablesOf, workloadOf, type Workload } from './workloads.js';

/** The key of the one caller. */
export const API_KEY = 'k'.repeat(32);

/** A pod as a process. */
export interface PodProcess {
  readonly name: string;
  readonly start: Start;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What a chart describes as processes of this machine: each pod has a loopback address of its own, so that it listens on the chart's port for
 * the other servers and tells them the chart's URL. A TCP proxy stands for the Service.
 */
export class Pods {
  readonly #pods = new Map<string, PodProcess>();

  private constructor(
    readonly folder: string,
    private readonly objects: readonly Rendered[],
    readonly databaseUrl: string,
    private readonly service: TcpProxy,
    private readonly changes: Readonly<Record<string, string>>,
    private readonly secrets: Readonly<Record<string, string>>,
    /** The network of the pods; other runs of these tests have others. */
    private readonly network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`,
  ) {}

  /**
   * Makes an empty database, and starts nothing yet.
   *
   * @param changes variables that replace the chart's
   */
  static async create(
    objects: readonly Rendered[],
    changes: Readonly<Record<string, string>> = {},
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<Pods> {
    const databaseUrl = await createDatabase();
    const all = { CHIRON_API_KEYS: `alice:${API_KEY}`, CHIRON_DATABASE_URL: databaseUrl, ...secrets };
    return new Pods(newFolder(), objects, databaseUrl, await TcpProxy.to(), changes, all);
  }

  /** The Service of the API. */
  get url(): string {
    return `http://127.0.0.1:${this.service.port}`;
  }

  /** Starts pods of a component, which are then behind the Service if they answer. */
  async start(component: string, count: number): Promise<void> {
    const workload = workloadOf(this.objects, component);
    await Promise.all(Array.from({ length: count }, (_, index) => this.#startPod(workload, index)));
    const gateways = [...this.#pods.values()].filter(({ name }) => name.includes('gateway'));
    this.service.targets = gateways.map(({ start }) => Number(new URL(urlOf(start)).port));
  }

  pod(name: string): PodProcess {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new Error(`there is no pod ${name}`);
    return pod;
  }

  /** Starts a server that is described by its variables alone; the others reach it at the address with this number. */
  async startServer(name: string, variables: Readonly<Record<string, string>>, index: number): Promise<void> {
    const ip = this.#address(index);
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const own = {
      // As with the chart's pods.
      CHIRON_METRICS_PORT: '0',
      CHIRON_CLUSTER_HOST: ip,
      CHIRON_CLUSTER_URL: `http://${ip}:${variables['CHIRON_CLUSTER_PORT']}`,
      CHIRON_NODE_NAME: name,
    };
    await this.#launch(name, { ...onThisMachine(variables, folder, this.secrets), ...own, ...this.changes });
  }

  /** The port of a pod's API. */
  portOf(name: string): number {
    return Number(new URL(urlOf(this.pod(name).start)).port);
  }

  /** Kills a pod, and waits until it is gone. */
  async kill(name: string): Promise<void> {
    const { start } = this.pod(name);
    start.signal('SIGKILL');
    await start.exit;
  }

  /** Starts a pod that is gone again, at the port that it had. */
  async restart(name: string): Promise<void> {
    const { environment } = this.pod(name);
    await this.#launch(name, { ...environment, PORT: String(this.portOf(name)) });
  }

  /** The variables of a pod, as its process has them here. */
  environment(workload: Pick<Workload, 'template'>, name: string, index: number): Readonly<Record<string, string>> {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const ip = this.#address(index);
    // Callers find all pods at one address here, so only one could have the port for metrics.
    const own = { HOST: '127.0.0.1', CHIRON_METRICS_PORT: '0', CHIRON_CLUSTER_HOST: ip, CHIRON_NODE_NAME: name };
    return { ...onThisMachine(variablesOf(workload, { name, ip }), folder, this.secrets), ...own, ...this.changes };
  }

  /** The first row of a query of the store. */
  async queryRow(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown> | undefined> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows[0];
    } finally {
      await client.end();
    }
  }

  /** The pod that runs a turn of a thread now, once there is one. */
  async runnerOf(threadKey: string): Promise<PodProcess> {
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      const row = await this.queryRow(
        `select nodes.name from threads join nodes on nodes.id = threads.node
          join turns on turns.thread_id = threads.id and turns.state = 'running' where threads.key = $1`,
        [threadKey],
      );
      if (typeof row?.['name'] === 'string') return this.pod(row['name']);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no pod runs a turn of ${threadKey}`);
  }

  /** Kills everything, and removes the database and the folders. */
  async close(): Promise<void> {
    const starts = [...this.#pods.values()].map(({ start }) => start);
    for (const start of starts) start.signal('SIGKILL');
    await Promise.all(starts.map(({ exit }) => exit));
    this.service.close();
    await dropDatabase(this.databaseUrl);
    removeFolder(this.folder);
  }

  async #startPod(workload: Workload, index: number): Promise<void> {
    const name = `${workload.name}-${index}`;
    const address = index + (workload.component === 'gateway' ? 100 : 0);
    await this.#launch(name, this.environment(workload, name, address));
  }

  async #launch(name: string, environment: Readonly<Record<string, string>>): Promise<void> {
    const start = await startMain({ cwd: join(this.folder, name), environment, startMs: 120_000 });
    this.#pods.set(name, { name, start, environment });
    urlOf(start);
  }

  #address(index: number): string {
    return `${this.network}.${index + 1}`;
  }
}

import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer, startServer } from '../support/running-server.js';
import { agentSettings, type RealAgents, writeAgentHome } from './agent-settings.js';
import type { KillLane } from './kill-points.js';
import { identity, markedProcesses } from './processes.js';
import { spareSettings } from './spares.js';
import { BAD_USAGE, seedTenants, tenantSettings } from './tenants.js';

/** A turn as the store has it. */
export interface StoredTurn {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  /** The JSON of its prompt. */
  readonly prompt: string;
  readonly message: string | null;
  readonly failure: string | null;
  /** Everything that was logged, a line per event, for whoever has to find out what went wrong. */
  readonly events: readonly string[];
}

/** How long processes may take to be gone, in milliseconds. */
export const CLEANUP = 5000;

/** One data folder, and the servers that run on it one after the other, as under a supervisor. */
export class Lane implements KillLane {
  // Declared apart from the constructor's parameters: Node runs only TypeScript that can be erased.
  /** Where agents leave their traces: they see it at the same path, in every kind of sandbox. */
  readonly traces: string;
  readonly #folder: string;
  readonly dataDirectory: string;
  readonly #environment: Readonly<Record<string, string>>;
  #server: RunningServer | undefined;
  #url = 'http://127.0.0.1:1';
  #outputs: string[] = [];

  private constructor(folder: string, dataDirectory: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.traces = join(folder, 'traces');
    this.dataDirectory = dataDirectory;
    this.#environment = environment;
  }

  /** Makes the folders and starts the first server. `dataDirectory` is made below the lane's own folder unless it is given. */
  static async start(
    agents: RealAgents | undefined,
    settings: Readonly<Record<string, string>> = {},
    dataDirectory?: string,
  ): Promise<Lane> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'chiron-faults-')));
    // The users of isolated threads pass through it.
    await chmod(folder, 0o711);
    const data = dataDirectory ?? join(folder, 'data');
    await seedTenants({ dataDirectory: data });
    const lane = new Lane(folder, data, {
      CHIRON_DATA_DIR: data,
      ...agentSettings(agents, await writeAgentHome(folder, agents)),
      ...tenantSettings(),
      ...spareSettings(),
      CHIRON_SANDBOX_MOUNTS: `${join(folder, 'traces')}:rw`,
      ...settings,
    });
    await mkdir(lane.traces);
    await chmod(lane.traces, 0o777);
    await lane.startServer();
    return lane;
  }

  /** Where the server is, or was. */
  readonly url = (): string => this.#url;

  /** The server that runs. Throws when none does. */
  get server(): RunningServer {
    if (this.#server === undefined) throw new Error('no server runs');
    return this.#server;
  }

  /** What the servers have printed since the last call. */
  takeOutput(): string {
    const output = [...this.#outputs, this.#server?.output() ?? ''].join('\n— the next server —\n');
    this.#outputs = [];
    return output;
  }

  /** Starts the next server on the same folder. Rejects when it does not get ready. */
  async startServer(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#server = await startServer({ ...this.#environment, ...settings });
    this.#url = this.#server.url;
  }

  /** Ends the server with SIGKILL. Resolves with the number of its processes that outlived it for more than a few seconds. */
  async kill(): Promise<number> {
    const { server } = this;
    const before = new Set((await markedProcesses(this.dataDirectory, server.pid)).map(identity));
    await server.kill();
    this.#noteEnd(server);
    return this.#left(server.pid, (id) => before.has(id));
  }

  serverOf(): Promise<number | undefined> {
    return Promise.resolve(this.server.pid);
  }

  revive(): Promise<void> {
    return this.startServer();
  }

  async settle(): Promise<void> {
    // The server runs again since `revive`.
  }

  /** Ends the server with SIGTERM. Resolves with its exit code and the number of processes that outlived it. */
  async stop(): Promise<{ readonly code: number | null; readonly left: number }> {
    const { server } = this;
    const { code } = await server.stop();
    this.#noteEnd(server);
    return { code, left: await this.#left(server.pid, () => true) };
  }

  /** Takes the lane down; what it says about the store is `undefined` for a good one. */
  async close(): Promise<{ readonly left: number; readonly problem: string | undefined }> {
    const { left } = this.#server === undefined ? { left: 0 } : await this.stop();
    const problem = this.storeProblem();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    return { left, problem };
  }

  /** The turns of a thread, oldest first. */
  turns(threadKey: string): readonly StoredTurn[] {
    return this.#read((database) =>
      database
        .prepare('select t.* from turns t join threads h on h.id = t.thread_id where h.key = ? order by t.sequence')
        .all(threadKey)
        .map((row) => ({
          id: text(row['id']),
          state: text(row['state']),
          attempt: Number(row['attempt']),
          prompt: text(row['prompt']),
          message: row['message'] === null ? null : text(row['message']),
          failure: row['failure'] === null ? null : text(row['failure']),
          events: database
            .prepare('select attempt, events from turn_events where turn_id = ? order by sequence')
            .all(text(row['id']))
            .flatMap((flush) => {
              const events: readonly unknown[] = JSON.parse(text(flush['events']));
              return events.map((event) => `${String(flush['attempt'])} ${JSON.stringify(event)}`);
            }),
        })),
    );
  }

  /** State of a thread's newest turn; `undefined` when it has none. */
  newestState(threadKey: string): string | undefined {
    return this.#read((database) => {
      const found = database
        .prepare(
          'select t.state from turns t join threads h on h.id = t.thread_id where h.key = ? order by t.sequence desc',
        )
        .get(threadKey);
      return found === undefined ? undefined : text(found['state']);
    });
  }

  /** How many turns the store has. */
  turnCount(): number {
    return this.#read((database) => Number(database.prepare('select count(*) as n from turns').get()?.['n']));
  }

  /** What is wrong with the store's file; `undefined` for nothing. */
  storeProblem(): string | undefined {
    try {
      const found = this.#read((database) => database.prepare('pragma integrity_check').get()?.['integrity_check']);
      if (found !== 'ok') return String(found);
      const bad = this.#read((database) => database.prepare(BAD_USAGE).all());
      return bad.length === 0 ? undefined : `${bad.length} turns are billed to nobody, or to another tenant`;
    } catch (error) {
      return String(error);
    }
  }

  #read<T>(use: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(join(this.dataDirectory, 'chiron.sqlite'), { timeout: 5000 });
    try {
      return use(database);
    } finally {
      database.close();
    }
  }

  #noteEnd(server: RunningServer): void {
    this.#outputs.push(server.output());
    this.#server = undefined;
  }

  async #left(server: number, isOurs: (identity: string) => boolean): Promise<number> {
    const deadline = performance.now() + CLEANUP;
    for (;;) {
      const left = (await markedProcesses(this.dataDirectory, server)).map(identity).filter(isOurs);
      if (left.length === 0 || performance.now() > deadline) return left.length;
      await delay(50);
    }
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

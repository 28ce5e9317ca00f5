import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer, startServer } from '../support/running-server.js';
import type { ApiKey } from './generate/headers.js';
import { isOpenTurn, readStore, type Stored, type StorePlace } from './store.js';
import { harmlessShell, newTarget, type Target } from './target.js';

/** How a server is to be. */
export interface LaneWishes {
  readonly seed: number;
  readonly letter: string;
  readonly keys: readonly ApiKey[];
  readonly databaseUrl: string | undefined;
}

/** How long turns may take to end once nobody asks for anything any more, in milliseconds. */
const SETTLING = 20_000;
/** Between the end of the load and the look at the memory, in milliseconds. */
const REST = 1500;

const COLLECT = new URL('../../bench/collect-on-signal.mjs', import.meta.url);

/** A built server with the demo agent, on a data folder of its own, and the account of what it was asked. */
export class Lane {
  readonly name: string;
  readonly target: Target;
  readonly server: RunningServer;
  readonly #folder: string;
  readonly #place: StorePlace;

  private constructor(server: RunningServer, folder: string, wishes: LaneWishes) {
    const { keys, databaseUrl } = wishes;
    const { url, dataDirectory } = server;
    this.name = keys.length === 0 ? 'without keys' : 'with keys';
    this.server = server;
    this.#folder = folder;
    this.#place = { dataDirectory, databaseUrl };
    this.target = newTarget({ ...wishes, url, dataDirectory });
  }

  /** Starts a server. Rejects when it does not get ready. */
  static async start(wishes: LaneWishes): Promise<Lane> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'chiron-fuzz-')));
    // The users of isolated threads pass through it.
    await chmod(folder, 0o711);
    const bin = await harmlessShell(folder);
    const { keys, databaseUrl } = wishes;
    const server = await startServer({
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      CHIRON_DATA_DIR: join(folder, 'data'),
      CHIRON_SANDBOX_MOUNTS: bin,
      CHIRON_DEFAULT_HARNESS: 'demo',
      CHIRON_CLAUDE_BIN: join(folder, 'none'),
      CHIRON_CODEX_BIN: join(folder, 'none'),
      NODE_OPTIONS: `--expose-gc --import=${COLLECT.href}`,
      ...(keys.length === 0 ? {} : { CHIRON_API_KEYS: keys.map(({ tenant, key }) => `${tenant}:${key}`).join(',') }),
      ...(databaseUrl === undefined ? {} : { CHIRON_DATABASE_URL: databaseUrl }),
    });
    return new Lane(server, folder, wishes);
  }

  /** The store, once every turn has ended or has had its time to. */
  async settled(): Promise<Stored> {
    const deadline = performance.now() + SETTLING;
    for (;;) {
      const stored = await readStore(this.#place);
      if (!stored.turns.some(isOpenTurn) || performance.now() > deadline) return stored;
      await delay(200);
    }
  }

  /** How many turns the store has. */
  async turnCount(): Promise<number> {
    const { turns } = await readStore(this.#place);
    return turns.length;
  }

  /** Memory that the server holds, without garbage, in bytes; `undefined` where there is no /proc to look it up in. */
  async memory(): Promise<number | undefined> {
    if (process.platform !== 'linux') return undefined;
    await delay(REST);
    process.kill(this.server.pid, 'SIGUSR2');
    await delay(REST);
    const status = await readFile(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Stops the server as a service manager does, and removes its folder. Resolves with its exit code. */
  async close(): Promise<number | null> {
    const { code } = await this.server.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    return code;
  }
}

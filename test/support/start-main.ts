import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built server. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_MS = 30_000;

/** A start of the built server that may fail. */
export interface Start {
  /** Where it listens, or `undefined` when it ended before. */
  readonly url: string | undefined;
  readonly pid: number;
  /** Its status, or the signal that ended it; pending while it runs. */
  readonly exit: Promise<number | NodeJS.Signals>;
  /** All that it has printed so far, both streams. */
  readonly output: () => string;
  /** Sends a signal to what was started. */
  readonly signal: (name: NodeJS.Signals) => void;
}

/** How the server is started. */
export interface StartOptions {
  /** Its whole environment besides `PORT=0`, `PATH`, the data folder and the kind of sandbox (`CHIRON_TEST_SANDBOX`, or `local`). */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it is started by: these, and then Node's path and the server's. */
  readonly by?: readonly string[];
  /** How long it may take to be ready, in milliseconds. */
  readonly startMs?: number;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
  /** What Node runs, with its arguments, instead of {@link MAIN}. */
  readonly program?: readonly string[];
}

/** Starts `dist/main.js`, on a host as odd as wanted; resolves once it is ready or has ended. Run `npm run build` before. */
export async function startMain({
  environment = {},
  cwd,
  by = [],
  startMs = START_MS,
  ...start
}: StartOptions): Promise<Start> {
  const node = [...(start.nodeOptions ?? []), ...(start.program ?? [MAIN])];
  const [program, ...args] = by;
  const [command, all] =
    program === undefined ? [process.execPath, node] : [program, [...args, process.execPath, ...node]];
  const child = spawn(command, all, {
    cwd,
    env: {
      PORT: '0',
      PATH: '/usr/bin:/bin',
      CHIRON_DATA_DIR: join(cwd, 'data'),
      CHIRON_SANDBOX: process.env['CHIRON_TEST_SANDBOX'] ?? 'local',
      // Tests count processes and folders; those of spares set a size.
      CHIRON_POOL_SIZE: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
    });
  }
  const exit = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const address = (): string | undefined => /^ {2}address +(\S+)\n/m.exec(printed)?.[1];
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (address() !== undefined) resolve();
    });
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), startMs);
  await Promise.race([ready, exit]);
  clearTimeout(timer);
  const { pid } = child;
  if (pid === undefined) throw new Error('nothing was started');
  return { url: address(), pid, exit, output: () => printed, signal: (name) => void child.kill(name) };
}

/** Where a server that was started listens. Throws with what it printed when it does not. */
export function urlOf({ url, output }: Start): string {
  if (url === undefined) throw new Error(`the server did not start:\n${output()}`);
  return url;
}

/** A new folder without links on its path; to be removed with {@link removeFolder}. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'chiron-start-')));
  // The users of threads pass through it.
  chmodSync(folder, 0o711);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Whether a command can be run here. */
export function canBe([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

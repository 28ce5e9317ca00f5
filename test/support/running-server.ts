import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// This file imports nothing but Node's own modules and has only types that can be erased, so that plain Node runs it too.

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_MS = 30_000;

// A start keeps a processor busy. Tests that run at once would start nine servers at once, each of which takes nine times as long.
const MAX_STARTING = availableParallelism();
let starting = 0;
const waiting: (() => void)[] = [];

/** How a server ended. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A built server (`dist/main.js`) in a process of its own. */
export interface RunningServer {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  readonly pid: number;
  /** Absolute and without links, as it stands in the environment of the threads' processes. */
  readonly dataDirectory: string;
  /** How it ended; pending while it runs. */
  readonly exit: Promise<ServerExit>;
  /** Sends SIGTERM and resolves when the process is gone. */
  stop(): Promise<ServerExit>;
  /** Sends SIGKILL and resolves when the process is gone. */
  kill(): Promise<ServerExit>;
  /** All that it has printed so far, both streams. */
  output(): string;
}

/**
 * Starts the built server and resolves once it is ready. It gets `PATH` and what is passed here, nothing else of this process's
 * environment and no `.env` file; the port is a free one unless `PORT` is passed. Without `CHIRON_DATA_DIR` its data is in a
 * folder that is removed when it ends.
 *
 * Starts wait for each other where more are asked for at once than there are processors. Rejects, with what the server printed, when
 * it ends before it is ready or is not ready within 30 s of its own start.
 */
export async function startServer(environment: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  if (starting < MAX_STARTING) starting += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await launch(environment);
  } finally {
    // Whoever waited longest starts in this one's place.
    const next = waiting.shift();
    if (next === undefined) starting -= 1;
    else next();
  }
}

async function launch(environment: Readonly<Record<string, string>>): Promise<RunningServer> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chiron-server-')));
  // The users of threads pass through it.
  await chmod(folder, 0o711);
  const dataDirectory = environment['CHIRON_DATA_DIR'] ?? join(folder, 'data');
  const child = spawn(process.execPath, [MAIN], {
    // Away from a `.env` in the checkout.
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: '0',
      CHIRON_DATA_DIR: dataDirectory,
      CHIRON_SANDBOX: process.env['CHIRON_TEST_SANDBOX'] ?? 'local',
      // Tests count processes and folders; those of spares set a size.
      CHIRON_POOL_SIZE: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const exit = endOf(child, folder);
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`${reason}:\n${printed}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('the server did not get ready');
    }, START_MS);
    let isReady = false;
    const read = (chunk: string): void => {
      printed += chunk;
      // Not looked for in all that a busy server prints later, again and again.
      if (isReady) return;
      const address = /^ {2}address +(\S+)\n/m.exec(printed)?.[1];
      if (address === undefined) return;
      isReady = true;
      clearTimeout(timer);
      resolve(address);
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    exit.then(
      () => {
        clearTimeout(timer);
        fail('the server ended before it was ready');
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('a server that is ready has no pid');
  const end = (signal: NodeJS.Signals): Promise<ServerExit> => {
    child.kill(signal);
    return exit;
  };
  return {
    url,
    pid,
    dataDirectory,
    exit,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    output: () => printed,
  };
}

/** The exit of the process; resolves when all its output has been read and its folder is removed. */
async function endOf(child: ChildProcess, folder: string): Promise<ServerExit> {
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

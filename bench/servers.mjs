// Starts the two servers, and reads the system's statistics of their processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BARE = fileURLToPath(new URL('bare-server.mjs', import.meta.url));
const COLLECTOR = new URL('collect-on-signal.mjs', import.meta.url).href;

/** The measured build: by default the output of `npm run build`. */
export const kinds = {
  bare: BARE,
  chiron: fileURLToPath(new URL('../dist/main.js', import.meta.url)),
};

/** How long to wait for a server to be idle. */
const MAX_QUIET_MS = 10_000;

const running = new Set();

// An interrupted bench removes its servers and their folders.
process.on('exit', () => {
  for (const server of running) server.kill();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Only what the server needs, without the user's own settings, keys and agents. */
function environment(dataDirectory, settings) {
  return {
    PATH: process.env.PATH,
    HOME: dataDirectory,
    PORT: '0',
    CHIRON_DATA_DIR: dataDirectory,
    CHIRON_LOG_LEVEL: 'warn',
    CHIRON_DEFAULT_HARNESS: 'demo',
    // Only the measure of sandboxes has another one.
    CHIRON_SANDBOX: 'local',
    CHIRON_POOL_SIZE: '0',
    CHIRON_CLAUDE_BIN: 'not-measured',
    CHIRON_CODEX_BIN: 'not-measured',
    CHIRON_MAX_CONCURRENT_TURNS: '100000',
    CHIRON_MAX_WAITING_TURNS: '1000000',
    CHIRON_MAX_CONNECTIONS: '100000',
    CHIRON_DRAIN_SECONDS: '0',
    ...settings,
  };
}

/** Starts a server of one kind with a new data folder. Resolves once it listens. */
export async function start(kind, nodeOptions = [], settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'chiron-bench-'));
  // The users of isolated threads pass through it.
  chmodSync(folder, 0o711);
  const begun = performance.now();
  const child = spawn(process.execPath, [...nodeOptions, kinds[kind]], {
    cwd: folder,
    env: environment(folder, settings),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const server = new Server(kind, child, folder);
  running.add(server);
  server.port = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      // Output of a running server is a warning.
      if (server.port !== 0) process.stderr.write(`${kind}: ${text}`);
      output += text;
      const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('exit', (code) => reject(new Error(`the ${kind} server ended with ${code}: ${output}`)));
  });
  server.startMilliseconds = performance.now() - begun;
  return server;
}

/** Starts one server of each kind, measures, and always stops them. */
export async function withServers(nodeOptions, measure) {
  const bare = await start('bare', nodeOptions);
  try {
    const chiron = await start('chiron', nodeOptions);
    try {
      return await measure({ bare, chiron });
    } finally {
      await chiron.stop();
    }
  } finally {
    await bare.stop();
  }
}

/** Options for a server whose memory is to be read after {@link Server.collect}. */
export const COLLECTABLE = ['--expose-gc', '--import', COLLECTOR];

class Server {
  port = 0;
  startMilliseconds = 0;

  constructor(kind, child, folder) {
    this.kind = kind;
    this.child = child;
    this.folder = folder;
  }

  /** Processor time of all its threads so far, in microseconds. */
  cpu() {
    const tasks = `/proc/${this.child.pid}/task`;
    let nanoseconds = 0;
    for (const task of readdirSync(tasks)) {
      nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
    return nanoseconds / 1000;
  }

  /** Memory in use, in kB. */
  memory() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  }

  /** Collects all garbage; needs {@link COLLECTABLE}. */
  async collect() {
    for (let time = 0; time < 2; time += 1) {
      this.child.kill('SIGUSR2');
      await wait(1000);
      await this.quiet();
    }
  }

  /** Resolves when the server is idle: late commits belong to the measured work. One with thousands of streams never is, as it keeps these alive. */
  async quiet() {
    const end = performance.now() + MAX_QUIET_MS;
    for (let idle = 0; idle < 3 && performance.now() < end;) {
      const before = this.cpu();
      await wait(50);
      idle = this.cpu() - before < 1000 ? idle + 1 : 0;
    }
  }

  /** Processor time of `work` in microseconds, minus what an idle server uses in the same time. */
  async cpuOf(work) {
    if (this.idleShare === undefined) {
      await this.quiet();
      const before = this.cpu();
      await wait(500);
      this.idleShare = (this.cpu() - before) / 500;
    }
    const begun = performance.now();
    const before = this.cpu();
    const result = await work();
    await this.quiet();
    return { result, cpu: this.cpu() - before - this.idleShare * (performance.now() - begun) };
  }

  async stop() {
    running.delete(this);
    const exit = this.child.exitCode === null && this.child.signalCode === null ? once(this.child, 'exit') : undefined;
    this.kill();
    await exit;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends it without waiting. */
  kill() {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { Broker } from '../broker/broker.service.js';
import { type AppConfig, readConfig } from '../config/app-config.js';
import { HARNESSES } from '../harness/harnesses.js';
import { HarnessRegistry } from '../harness/harness.registry.js';
import { findCredentialWarnings, findIsolationWarnings } from './isolation.js';
import { renderStartSummary } from '../ops/start-summary.js';
import { collectUpstreamFacts, findUpstreamWarnings } from '../ops/upstream.js';
import { SandboxChoice } from '../sandbox/kinds.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { createServer } from '../server.js';
import { ServerLocks } from '../storage/locks/server-locks.js';
import { KeyStore } from '../storage/stores/key.store.js';
import { TurnRunner } from '../turns/running/turn.runner.js';
import { readEnvFile } from './env-file.js';
import { listenError, startErrorText } from './start-error.js';
import { onStopSignal } from './stop-signals.js';

const logger = new Logger('Start');

/** How long the server may take to stop once another server has acquired its data. */
const LOCK_LOST_STOP_MS = 10_000;

/**
 * Starts the server and serves until SIGTERM, SIGINT or SIGHUP.
 *
 * @throws when it cannot start; whatever it has started by then ends with the process.
 */
export async function start(): Promise<void> {
  readEnvFile('.env', process.env);
  const config = readConfig(process.env, HARNESSES);
  // Without a listener, a log that cannot be written (closed pipe, full disk) would crash the process.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  const locks = await ServerLocks.acquire(config);
  const app = await createServer(config);
  const runner = app.get(TurnRunner);
  const stop = async (status: number): Promise<void> => {
    try {
      await app.close();
      await locks.release();
    } catch (error) {
      process.stderr.write(`Chiron did not stop cleanly: ${startErrorText(error)}\n`);
      status = 1;
    }
    process.exit(status);
  };
  onStopSignal({ drain: () => void stop(0), skipDrain: () => runner.skipDrain(), exit: () => process.exit(1) });
  locks.watch((reason) => {
    // The other server already runs the same turns.
    process.stderr.write(`Chiron stops: ${reason}\n`);
    setTimeout(() => process.exit(1), LOCK_LOST_STOP_MS).unref();
    runner.skipDrain();
    void stop(1);
  });
  await listen(app, config);
  const { available, defaultHarness } = app.get(HarnessRegistry);
  const choice = app.get<SandboxChoice>(SandboxChoice);
  const warnings = config.role === 'gateway' ? [] : findAgentWarnings(app, config, choice);
  for (const warning of warnings) logger.warn(warning);
  const sandbox = app.get<Sandbox>(Sandbox);
  const limits = sandbox.describeLimits();
  process.stdout.write(
    renderStartSummary(config, {
      url: serverUrl(app.getHttpServer()),
      available,
      defaultHarness,
      sandbox: choice.sandbox.description,
      hasStoredKeys: await app.get(KeyStore).hasAny(),
      limits,
      warnings,
    }),
  );
  void warnOfHost(sandbox);
}

/** Warns of what keeps agents from being isolated, and from reaching their models. A gateway runs none, and needs no login of theirs. */
function findAgentWarnings(app: NestExpressApplication, config: AppConfig, choice: SandboxChoice): readonly string[] {
  const { available, definitions } = app.get(HarnessRegistry);
  const facts = collectUpstreamFacts(config, process.env, available);
  const broker = app.get(Broker);
  return [
    ...findIsolationWarnings(choice),
    ...findCredentialWarnings({
      config,
      isolates: choice.sandbox.isolates,
      available: definitions.filter(({ name }) => available.some((info) => info.name === name)),
      isServed: (provider) => broker.serves(provider),
      templateHas: facts.templateHas,
    }),
    ...findUpstreamWarnings(config, facts),
  ];
}

/** Logs the limitations of this host; none of them prevents the start. */
async function warnOfHost(sandbox: Sandbox): Promise<void> {
  try {
    for (const warning of await sandbox.warnings()) logger.warn(warning);
  } catch (error) {
    logger.warn({ err: error }, 'failed to inspect the host');
  }
}

async function listen(app: NestExpressApplication, { host, port }: AppConfig): Promise<void> {
  const server: Server = app.getHttpServer();
  // Nest's `listen` would log the error a second time.
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    // Turns that an earlier server left are already running.
    app.get(TurnRunner).skipDrain();
    await app.close();
    throw listenError(host, port, error);
  }
}

/** The URL of a listening server; with `PORT=0`, the port that the system chose. */
function serverUrl(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('unreachable: the server does not listen on a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

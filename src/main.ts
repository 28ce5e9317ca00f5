import 'reflect-metadata';
import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import { loadEnvFile } from 'node:process';
import { Logger } from 'nestjs-pino';
import { readConfig } from './config/app-config.js';
import { ConfigurationError } from './config/environment.js';
import { HarnessRegistry } from './harness/harness.registry.js';
import { startSummary } from './ops/start-summary.js';
import { upstreamFacts, upstreamWarnings } from './ops/upstream.js';
import { createServer } from './server.js';
import { lockDataFolder } from './storage/data-folder-lock.js';
import { StorageOpenError } from './storage/database.js';
import { TurnRunner } from './turns/turn.runner.js';

/** Starts the server and serves until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  // Variables that are set already win over those in the file.
  if (existsSync('.env')) loadEnvFile('.env');
  const config = readConfig(process.env);
  lockDataFolder(config.dataDirectory);
  const app = await createServer(config);
  let stopping = false;
  const stop = (): void => {
    // A second signal means that the operator does not want to wait for running turns.
    if (stopping) app.get(TurnRunner).hurry();
    else void app.close().then(() => process.exit(0));
    stopping = true;
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  await app.listen(config.port, config.host);
  const registry = app.get(HarnessRegistry);
  const { found, defaultHarness } = registry;
  const warnings = upstreamWarnings(config, upstreamFacts(config, process.env, found));
  for (const warning of warnings) app.get(Logger).warn(warning);
  process.stdout.write(startSummary(config, { url: urlOf(app.getHttpServer()), found, defaultHarness, warnings }));
}

main().catch((error: unknown) => {
  const isExpected = error instanceof ConfigurationError || error instanceof StorageOpenError || isListenError(error);
  process.stderr.write(
    `${isExpected && error instanceof Error ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});

/** Where a listening server is to be reached; the port is the one that the system chose for `PORT=0`. */
function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** The port is taken, or not ours to take: the message says which, a stack would not help. */
function isListenError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}

import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModuleMetadata } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { Logger } from 'nestjs-pino';
import { AppModule } from '../../src/app.module.js';
import { type AppConfig, readConfig } from '../../src/config/app-config.js';
import { codex } from '../../src/harness/codex/definition.js';
import { type HarnessDefinition, Harnesses } from '../../src/harness/definition.js';
import { demo } from '../../src/harness/demo/definition.js';
import { ClosingAdapter } from '../../src/http/closing-adapter.js';
import { HarnessRegistry } from '../../src/harness/harness.registry.js';
import { configure } from '../../src/server.js';
import { Database } from '../../src/storage/database/database.js';
import { absent, inPlaceOfClaudeCode, ScriptedHarness } from './scripted-harness.js';

/** A server on the real module graph, listening on loopback; only its harnesses and its configuration are the test's. */
export interface TestApp {
  readonly url: string;
  readonly server: Server;
  readonly app: NestExpressApplication;
  readonly dataDirectory: string;
  /** The default harness of this server. The demo harness is there as well, as model `demo`. */
  readonly harness: ScriptedHarness;
  /** How many rows a table of the store has. */
  count(table: 'threads' | 'turns' | 'turn_events'): Promise<number>;
  /** Stops the server as SIGTERM does, and removes its data unless they are to be kept for another server. */
  close(options?: { readonly keepData: boolean }): Promise<void>;
}

/** What a test may set: any setting, and the data folder of an earlier server. */
export type TestSettings = Partial<AppConfig>;

/** What a test puts in the place of the server's own parts, or beside them. */
export interface TestParts {
  /** Modules beside the server's own. */
  readonly imports?: ModuleMetadata['imports'];
  /** Harnesses beside the server's own. */
  readonly harnesses?: readonly HarnessDefinition[];
  /** Replaces other providers. */
  readonly customize?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
}

/** Starts a server. Settings that are not given have their defaults, but drain does not wait. */
export async function startTestApp(settings: TestSettings = {}, parts: TestParts = {}): Promise<TestApp> {
  const harness = new ScriptedHarness();
  const harnesses = [inPlaceOfClaudeCode(harness), absent(codex), demo, ...(parts.harnesses ?? [])];
  const dataDirectory = settings.dataDirectory ?? mkdtempSync(join(tmpdir(), 'chiron-e2e-'));
  const defaults = readConfig(
    {
      PORT: '0',
      CHIRON_LOG_LEVEL: 'silent',
      CHIRON_DRAIN_SECONDS: '0',
      CHIRON_DEMO: 'on',
      CHIRON_SANDBOX: process.env['CHIRON_TEST_SANDBOX'] ?? 'local',
    },
    harnesses,
  );
  const config: AppConfig = { ...defaults, ...settings, dataDirectory };
  const builder = Test.createTestingModule({ imports: [AppModule.forRoot(config), ...(parts.imports ?? [])] })
    .overrideProvider(Harnesses)
    .useValue(harnesses);
  const module = await (parts.customize ?? ((same) => same))(builder).compile();
  const app = module.createNestApplication<NestExpressApplication>(new ClosingAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configure(app);
  await app.get(HarnessRegistry).probeAll();
  await app.init();
  app.useLogger(app.get(Logger));
  await app.listen(0, '127.0.0.1');
  const server: Server = app.getHttpServer();
  const close = async (options?: { readonly keepData: boolean }): Promise<void> => {
    await app.close();
    if (options?.keepData !== true) rmSync(dataDirectory, { recursive: true, force: true });
  };
  return { url: urlOf(server), server, app, dataDirectory, harness, count: (table) => countRows(app, table), close };
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return `http://127.0.0.1:${address.port}`;
}

async function countRows(app: NestExpressApplication, table: 'threads' | 'turns' | 'turn_events'): Promise<number> {
  const query = app.get(Database).kysely.selectFrom(table);
  const row = await query.select((select) => select.fn.countAll<number>().as('rows')).executeTakeFirstOrThrow();
  return row.rows;
}

import { createHash, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { Caller } from './caller.js';
import { many } from './draw.js';
import { Report } from './report.js';
import { command } from './reproduction.js';
import { readStore } from './store.js';
import { harmlessShell, KEYS, newTarget } from './target.js';
import { eventually } from '../support/eventually.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

// The short form of `npm run test:fuzz`. `judge*.ts` and `ledger.ts` define the invariants.

const REQUESTS = 500;
const CALLERS = 8;

describe('random requests', () => {
  let folder: string;
  let app: TestApp;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chiron-fuzz-'));
    vi.stubEnv('PATH', `${await harmlessShell(folder)}${delimiter}${process.env['PATH'] ?? ''}`);
  });

  afterEach(async () => {
    await app.close();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['of a known seed', 'without keys', 1],
    ['of a known seed', 'with keys', 2],
    ['of a seed that is new each time', 'with keys', randomInt(2 ** 31)],
  ])(
    '%s, to a server %s, never fail in the server, hang, or start a turn when they are refused (seed %i)',
    { timeout: 120_000 },
    async (_, lane, seed) => {
      const keys = lane === 'with keys' ? KEYS : [];
      const apiKeys = keys.map(({ tenant, key }) => ({
        name: tenant,
        sha256: createHash('sha256').update(key).digest(),
      }));
      app = await startTestApp({ defaultHarness: 'demo', apiKeys });
      app.harness.onRun = (run) => run.answer('fine');
      const { url, dataDirectory } = app;
      const target = newTarget({ url, dataDirectory, seed, letter: 'e', keys });
      const report = new Report();
      const numbers = many(REQUESTS, (index) => index).values();
      await Promise.all(many(CALLERS, () => new Caller(target, report).work(numbers)));
      await eventually(() => app.app.get(TurnRunner).counts).toEqual({ running: 0, pending: 0 });
      report.found(target.ledger.findings(await readStore({ dataDirectory, databaseUrl: undefined })));
      const found = report.groups.map(({ finding: { rule, text, shown } }) => [
        rule,
        text,
        shown === undefined ? 'of the whole run' : command(shown, seed),
      ]);
      expect(found).toEqual([]);
      expect(report.cases).toBe(REQUESTS);
      expect(target.ledger.turnsTold).toBeGreaterThan(REQUESTS / 20);
    },
  );
});

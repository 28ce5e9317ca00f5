// `npm run test:sandboxes [-- <kind> …] [-- --quick]`: the suites in each kind of sandbox that isolates, one after the other. After a build.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SANDBOXES } from '../../build/sandbox/kinds.js';

/** What Node runs for files of a Vitest configuration. */
const vitest = (config, ...files) => ['node_modules/vitest/vitest.mjs', 'run', '--config', config, ...files];

/** Every suite that starts servers in the kind that it is told. `test:security` tries all kinds by itself, and unit tests start no server. */
const ALL = [
  { title: 'npm test', args: vitest('vitest.config.ts', 'test/') },
  { title: 'test:clients', args: vitest('test/clients/vitest.config.ts') },
  { title: 'test:agents', args: vitest('test/agents/vitest.config.ts') },
  { title: 'test:hostile', args: vitest('test/hostile/vitest.config.ts') },
  { title: 'test:cluster', args: vitest('test/cluster/vitest.config.ts') },
  { title: 'test:faults', args: ['test/faults/run.mjs'] },
  { title: 'test:fuzz', args: ['test/fuzz/run.mjs'] },
];

/** What depends most on the kind, for a pull request. */
const QUICK = [
  {
    // What commands use, show and see.
    title: 'npm test',
    args: vitest('vitest.config.ts', 'test/messages/answers.e2e-spec.ts', 'test/server/secret-files.e2e-spec.ts'),
  },
  {
    // The real agents: their tools, variables and memory, a new process and a new server, and the end of everything that they started.
    title: 'test:clients',
    args: vitest(
      'test/clients/vitest.config.ts',
      ...['claude-code', 'conversation', 'hygiene'].map((name) => `test/clients/${name}.spec.ts`),
    ),
  },
];

/** Why a kind does not work on this machine; `undefined` if it does. */
async function findProblem(kind) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-probe-'));
  chmodSync(dataDirectory, 0o711);
  try {
    return await SANDBOXES[kind].findProblem?.({
      dataDirectory,
      workspaceTemplate: undefined,
      homeTemplate: undefined,
    });
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

const { values, positionals: named } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } });
const unknown = named.filter((kind) => SANDBOXES[kind] === undefined);
if (unknown.length > 0) throw new Error(`there is no sandbox ${unknown.join(', ')}`);

const report = [];
for (const kind of named.length > 0 ? named : Object.keys(SANDBOXES).filter((each) => each !== 'local')) {
  const problem = await findProblem(kind);
  if (problem !== undefined) {
    report.push(`skipped  ${kind}: the sandbox does not work here. ${problem}`);
    // A kind that was asked for is to work.
    if (named.length > 0 || process.env['CHIRON_TEST_REQUIRE_SANDBOXES'] === '1') process.exitCode = 1;
    continue;
  }
  for (const { title, args } of values.quick ? QUICK : ALL) {
    console.log(`\nIn the sandbox ${kind}: ${title}`);
    const startedAt = performance.now();
    const { status } = spawnSync(process.execPath, args, {
      stdio: 'inherit',
      env: { ...process.env, CHIRON_TEST_SANDBOX: kind },
    });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    report.push(`${status === 0 ? 'passed' : 'FAILED'}   ${kind}: ${title}, in ${seconds} s`);
    if (status !== 0) process.exitCode = 1;
  }
}
console.log(`\n${report.join('\n')}`);

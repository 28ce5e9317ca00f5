import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claudeCode } from '../../src/harness/claude-code/definition.js';
import { codex } from '../../src/harness/codex/definition.js';
import { VERSION } from '../../src/version.js';
import { newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';
import { type NpmRegistry, type RegistryPackage, startNpmRegistry } from './npm-registry.js';
import { CHIRON, type Run, runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 180_000 });

/** As the real package: its program works only after its script has put it into place. */
const CLAUDE_CODE: RegistryPackage = {
  name: '@anthropic-ai/claude-code',
  version: claudeCode.npmPackage?.version ?? '',
  manifest: { bin: { claude: 'claude.exe' }, scripts: { postinstall: 'cat real.sh > claude.exe' } },
  files: { 'claude.exe': 'exit 1\n', 'real.sh': '#!/bin/sh\necho "2.1.330 (Claude Code)"\n' },
};

const codexPackage = (version: string): RegistryPackage => ({
  name: '@openai/codex',
  version,
  manifest: { bin: { codex: 'codex.js' } },
  files: { 'codex.js': `#!/usr/bin/env node\nconsole.log('codex-cli ${version}');\n` },
});
const CODEX = codexPackage(codex.npmPackage?.version ?? '');

let folder: string;
let registry: NpmRegistry | undefined;

beforeEach(() => {
  folder = newFolder();
});

afterEach(async () => {
  await registry?.close();
  registry = undefined;
  removeFolder(folder);
});

function chiron(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Run> {
  return runChiron(folder, args, {
    npm_config_registry: registry?.url ?? 'http://127.0.0.1:1/',
    npm_config_cache: join(folder, 'npm-cache'),
    ...environment,
  });
}

const offer = async (...packages: readonly RegistryPackage[]): Promise<void> => {
  registry = await startNpmRegistry(join(folder, 'registry'), packages);
};

describe('chiron agents install', () => {
  it('installs agents at their tested versions into the data folder, where the server finds them before those on PATH', async () => {
    await offer(CLAUDE_CODE, CODEX);
    const agents = join(folder, 'data', 'agents');
    expect(await chiron(['agents', 'install', 'claude-code', 'codex'], { OPENAI_API_KEY: 'sk' })).toEqual({
      status: 0,
      stderr: '',
      stdout: [
        `Installing @anthropic-ai/claude-code@${CLAUDE_CODE.version} and @openai/codex@${CODEX.version} from npm into ${agents}`,
        `  claude-code ${CLAUDE_CODE.version}`,
        `  codex ${CODEX.version}`,
        'A server that starts in this folder finds them.',
        'Claude Code needs a key or a login: set ANTHROPIC_API_KEY, or see docs/configuration.md.',
        '',
      ].join('\n'),
    });
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'codex'), '#!/bin/sh\necho 0.1.0\n', { mode: 0o755 });
    const start = await startMain({ cwd: folder, environment: { PATH: `${folder}/bin:/usr/bin:/bin` } });
    expect(start.output()).toContain(`claude-code ${CLAUDE_CODE.version} (default), codex ${CODEX.version}`);
    start.signal('SIGKILL');
    await start.exit;
  });

  it('installs another version when it is named, into a folder that a server is pointed to', async () => {
    await offer(codexPackage('0.168.0'));
    const run = await chiron(['agents', 'install', 'codex@0.168.0', '-d', 'tools']);
    expect(run.stdout).toContain(`codex 0.168.0 (this Chiron is tested with ${CODEX.version})`);
    expect(run.stdout).toContain(`Start the server with CHIRON_AGENTS_DIR=${folder}/tools `);
    const start = await startMain({ cwd: folder, environment: { CHIRON_AGENTS_DIR: './tools' } });
    expect(start.output()).toContain('codex 0.168.0 (default)');
    start.signal('SIGKILL');
    await start.exit;
  });

  it('makes files that the users of threads can read, whatever the umask', async () => {
    await offer(CODEX);
    const before = process.umask(0o077);
    try {
      await chiron(['agents', 'install', 'codex']);
    } finally {
      process.umask(before);
    }
    const program = join(folder, 'data/agents/node_modules/@openai/codex/codex.js');
    expect(statSync(program).mode & 0o005).toBe(0o005);
  });

  it('installs nothing that is not what the registry has announced', async () => {
    await offer({ ...CODEX, isTampered: true });
    const run = await chiron(['agents', 'install', 'codex']);
    expect(run).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Chiron cannot install .* \(EINTEGRITY\)\.\n$/),
    });
  });

  it.each([
    ['there is no network', ['codex'], /npm does not reach its registry\. .* \(ECONNREFUSED\)\.\n$/],
    [
      'the agent is unknown',
      ['amp'],
      /^Chiron cannot install amp: it knows the agents claude-code, codex, pi, opencode, copilot, qwen, kimi, gemini\.\n$/,
    ],
    [
      'the version is a range',
      ['codex@^0.1.0'],
      /^Chiron cannot install codex@\^0\.1\.0: the version must be exact, as in codex@/,
    ],
    ['the folder cannot be made', ['codex', '-d', '/proc/agents'], /^Chiron cannot install into \/proc\/agents: /],
  ])('says so in a sentence when %s', async (_, args, text) => {
    const run = await chiron(['agents', 'install', ...args]);
    expect(run).toMatchObject({ status: 1, stderr: expect.stringMatching(text) });
    expect(run.stderr.trim()).not.toContain('\n');
  });

  it('says so when the registry does not have the version, and when npm is missing', async () => {
    await offer(CODEX);
    const wrong = await chiron(['agents', 'install', 'codex@0.0.1']);
    expect(wrong.stderr).toBe(
      'Chiron cannot install @openai/codex@0.0.1: its registry has no such version (ETARGET).\n',
    );
    const without = await chiron(['agents', 'install', 'codex'], { PATH: join(folder, 'bin') });
    expect(without.stderr).toBe('Chiron cannot install agents without npm: put it on PATH.\n');
  });

  it("does not change another project's folder", async () => {
    writeFileSync(join(folder, 'package.json'), '{"name":"mine"}');
    const run = await chiron(['agents', 'install', 'codex', '--directory', '.']);
    expect(run.stderr).toBe(`Chiron cannot install into ${folder}: it is the folder of another project.\n`);
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe('{"name":"mine"}');
  });
});

describe('chiron', () => {
  it('prints its version, and its commands', async () => {
    expect(await chiron(['--version'])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    const { stdout } = await chiron(['--help']);
    const names = [...stdout.matchAll(/^ {2}(\w+)(?: \[\w+\])? {2,}/gm)].map(([, name]) => name);
    expect(names).toEqual([
      'start',
      'migrate',
      'doctor',
      'agents',
      'tenants',
      'keys',
      'audit',
      'threads',
      'usage',
      'help',
    ]);
  });

  it('refuses a command that it does not have', async () => {
    const run = await chiron(['agents', 'remove']);
    expect([run.status, run.stderr]).toEqual([1, expect.stringContaining("unknown command 'remove'")]);
  });

  it.each([[[]], [['start']]])('starts the server: %j', async (args) => {
    const start = await startMain({ cwd: folder, program: [CHIRON, ...args] });
    expect((await fetch(`${urlOf(start)}/readyz`)).status).toBe(200);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });

  it('reports what keeps the server from starting as the server does', async () => {
    const run = await chiron([], { PORT: 'x' });
    expect([run.status, run.stderr.trim()]).toEqual([
      1,
      expect.stringMatching(/^Chiron cannot start with this configuration:\n {2}PORT: /),
    ]);
  });
});

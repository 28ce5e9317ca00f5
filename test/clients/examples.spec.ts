import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { openClaudeCode, type ClaudeTerminal } from './support/claude-terminal.js';
import { newFolder, removeFolders } from './support/folders.js';
import { recordsOf, textOf } from './support/json.js';
import { type LendingRig, startLendingRig } from './support/lending-rig.js';
import { CLAUDE_CODE, skipReason } from './support/programs.js';
import { terminalSkipReason } from './support/terminal.js';

const run = promisify(execFile);
const EXAMPLE = new URL('../../examples/lend-a-tool.mjs', import.meta.url);
const LEND_CLAUDE_CODE = fileURLToPath(new URL('../../examples/lend-claude-codes-tools.sh', import.meta.url));
const SDK = fileURLToPath(new URL('node_modules/sdk-1', import.meta.url));

afterAll(removeFolders);

describe('examples/lend-a-tool.mjs', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
  });
  afterAll(() => server.stop());

  it('lends the agent a tool that runs where the script runs', async () => {
    const folder = await newFolder('example');
    await mkdir(join(folder, 'node_modules/@anthropic-ai'), { recursive: true });
    await symlink(SDK, join(folder, 'node_modules/@anthropic-ai/sdk'));
    await copyFile(EXAMPLE, join(folder, 'lend-a-tool.mjs'));
    const { stdout } = await run(process.execPath, ['lend-a-tool.mjs'], {
      cwd: folder,
      env: { CHIRON_URL: server.url },
    });
    expect(stdout).toMatch(/The tool returned: \d+ MB/);
  });
});

describe.skipIf(skipReason !== undefined)('examples/lend-claude-codes-tools.sh', () => {
  let rig: LendingRig;
  let terminal: ClaudeTerminal | undefined;

  afterEach(async () => {
    await terminal?.close();
    terminal = undefined;
    await rig.close();
  });

  /** The agent writes a file in its own workspace, then one at the caller, and reads both back. */
  const startRig = (folder: string) =>
    startLendingRig('claude-code', [
      [{ shell: 'echo of the server > note.txt', id: 'toolu_1' }],
      [
        {
          tool: 'Bash',
          id: 'toolu_2',
          input: { command: 'echo of the caller > note.txt', description: 'Write a note' },
        },
      ],
      [{ tool: 'Read', id: 'toolu_3', input: { file_path: join(folder, 'note.txt') } }],
      [{ shell: 'cat note.txt', id: 'toolu_4' }],
      [{ text: 'Both notes are written.' }],
    ]);

  const assertBothSides = (): void => {
    const results = rig.results().join('\n');
    expect(results).toMatch(/^toolu_3: .*of the caller/m);
    expect(results).toMatch(/^toolu_4: of the server/m);
    const offered = new Map(
      recordsOf(rig.newest()?.['tools']).map(({ name, description }) => [textOf(name), textOf(description)]),
    );
    expect(offered.get('mcp__caller__Bash')).toContain('runs on the caller’s machine');
    expect(offered.get('Bash')).not.toContain('caller');
  };

  it('lets the agent work on both sides, with claude -p', async () => {
    const [folder, home] = [await newFolder('caller'), await newFolder('home')];
    rig = await startRig(folder);
    const { stdout } = await run(
      'sh',
      [LEND_CLAUDE_CODE, '-p', 'Write the notes', '--permission-mode', 'bypassPermissions'],
      {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          HOME: home,
          TMPDIR: home,
          CHIRON_URL: rig.server().url,
          CLAUDE_BIN: CLAUDE_CODE,
          DISABLE_AUTOUPDATER: '1',
          IS_SANDBOX: '1',
        },
      },
    );
    expect(stdout).toContain('Both notes are written.');
    expect(await readFile(join(folder, 'note.txt'), 'utf8')).toBe('of the caller\n');
    assertBothSides();
  });

  it.skipIf(terminalSkipReason !== undefined)('lets the agent work on both sides, in a terminal', async () => {
    rig = await startRig('.');
    const key = 'a-key-of-the-caller';
    terminal = await openClaudeCode(LEND_CLAUDE_CODE, rig.server().url, {
      CHIRON_URL: rig.server().url,
      CHIRON_KEY: key,
      CLAUDE_BIN: CLAUDE_CODE,
    });
    await terminal.submit('Write the notes');
    await terminal.shows('Both notes are written.');
    expect(await readFile(join(terminal.workingDirectory, 'note.txt'), 'utf8')).toBe('of the caller\n');
    assertBothSides();
  });
});

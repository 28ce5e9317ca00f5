import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testedKinds } from '../../src/storage/__fixtures__/databases.js';
import { removeFolders } from '../clients/support/folders.js';
import { CLAUDE_CODE, skipReason } from '../clients/support/programs.js';
import { claudeCodeVariables } from '../clients/support/rig.js';
import { ask } from '../cluster/support/caller.js';
import { canBe, newFolder, removeFolder, startMain, type Start, urlOf } from '../support/start-main.js';
import { startScriptedAnthropicModel } from '../support/scripted-model/anthropic.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';
import { createDatabase, dropDatabase } from './support/test-database.js';

// A back-up and its restoration elsewhere, by the commands of docs/deployment.md as they are written there, around real Claude Code.

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/deployment.md', import.meta.url)), 'utf8');
const THREAD = { thread: 'kept', model: 'claude-code' };

/** The commands below a comment that begins a block of the page. */
function commandsOf(title: string): string {
  const [, commands] = new RegExp(`\`\`\`sh\n# ${title}\n([^]*?)\`\`\``).exec(PAGE) ?? [];
  if (commands === undefined) throw new Error(`docs/deployment.md has no commands "# ${title}"`);
  return commands;
}

const kinds = await testedKinds();
const tools = canBe(['pg_dump', '--version']) && canBe(['pg_restore', '--version']);
if (skipReason !== undefined) console.log(`Nothing is backed up: ${skipReason}.`);
if (!kinds.includes('postgres') || !tools) console.log('PostgreSQL is not backed up: no server, or no pg_dump.');

describe.runIf(skipReason === undefined)('A back-up', () => {
  let folder: string;
  let model: ScriptedModel;
  const databases: string[] = [];

  beforeEach(async () => {
    folder = newFolder();
    model = await startScriptedAnthropicModel();
  });
  afterEach(async () => {
    await model.close();
    for (const url of databases.splice(0)) await dropDatabase(url);
    removeFolder(folder);
    await removeFolders();
  });

  const newDatabase = async (): Promise<string> => {
    const url = await createDatabase();
    databases.push(url);
    return url;
  };

  function start(data: string, database: string | undefined): Promise<Start> {
    return startMain({
      cwd: folder,
      startMs: 90_000,
      environment: {
        CHIRON_DATA_DIR: data,
        CHIRON_SANDBOX: 'local',
        CHIRON_DEFAULT_HARNESS: 'claude-code',
        CHIRON_CLAUDE_BIN: CLAUDE_CODE,
        ...(database === undefined ? {} : { CHIRON_DATABASE_URL: database }),
        ...claudeCodeVariables(model),
      },
    });
  }

  async function stop(server: Start): Promise<void> {
    server.signal('SIGTERM');
    expect(await server.exit).toBe(0);
  }

  /** Runs commands of the page where the back-up is kept. */
  function run(title: string, environment: Readonly<Record<string, string>>): void {
    const kept = join(folder, 'kept');
    mkdirSync(kept, { recursive: true });
    execFileSync('sh', ['-euc', commandsOf(title)], { cwd: kept, env: { PATH: process.env['PATH'], ...environment } });
  }

  it.each(kinds.filter((kind) => kind === 'sqlite' || tools))(
    'of %s brings the thread back elsewhere: its files, its answers, and its agent’s memory',
    async (kind) => {
      const [data, elsewhere] = [join(folder, 'first', 'data'), join(folder, 'other', 'place')];
      const database = kind === 'postgres' ? await newDatabase() : undefined;
      const first = await start(data, database);
      const remembered = 'SCENE:tool echo precious > file && echo written';
      const before = await ask(urlOf(first), remembered, { ...THREAD, idempotencyKey: 'first' });
      expect(before.results.join()).toContain('written');
      await stop(first);

      run('back up the data folder', { DATA: data });
      if (database !== undefined) run('back up PostgreSQL', { DATABASE: database });
      rmSync(join(folder, 'first'), { recursive: true });
      if (database !== undefined) await dropDatabase(database);

      const restored = kind === 'postgres' ? await newDatabase() : undefined;
      run('restore the data folder', { DATA: elsewhere });
      if (restored !== undefined) run('restore PostgreSQL', { DATABASE: restored });
      expect(existsSync(data)).toBe(false);

      const second = await start(elsewhere, restored);
      const again = await ask(urlOf(second), remembered, { ...THREAD, idempotencyKey: 'first' });
      expect(again.messageId).toBe(before.messageId);
      const next = await ask(urlOf(second), 'SCENE:tool cat file', THREAD);
      expect(next.results.join()).toContain('precious');
      // By its own record, and not told by the server.
      expect(next.history).toBe('continued');
      expect(JSON.stringify(model.requests.at(-1))).toContain(remembered);
      await stop(second);
    },
  );
});

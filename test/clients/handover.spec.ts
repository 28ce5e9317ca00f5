import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHIRON } from '../cli/run-chiron.js';
import { type RunningServer, startServer } from '../support/running-server.js';
import type { ScriptedModel } from '../support/scripted-model/scene.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from './support/json.js';
import { conversationOf, runs, says, startPlannedModel } from './support/planned-model.js';
import { CLAUDE_CODE, CLAUDE_CODES, CODEX } from './support/programs.js';
import { claudeCodeVariables } from './support/rig.js';
import { loadSdk, said } from './support/sdk.js';
import { openTerminal, type Terminal, terminalSkipReason } from './support/terminal.js';
import { keepPicture } from './support/terminal-picture.js';

const KEY = 'key-of-the-team-that-shares-the-thread';
const THREAD = 'slack:C1:1780000000.000100';
const run = promisify(execFile);

let model: ScriptedModel;
let server: RunningServer;
const terminals: Terminal[] = [];

beforeAll(async () => {
  model = await startPlannedModel([
    [says('I look into the log. '), runs('echo "timeout after 30 s" > build.log; cat build.log', 'toolu_1')],
    [says('The build fails with a **timeout** after 30 s.')],
    [says('I raised the limit to 60 s.')],
    [says('The limit is in build.toml now.')],
    [says('All notes are written.')],
    [says('It was the timeout: the limit is 60 s now, in build.toml.')],
    [says('Nothing else is open.')],
  ]);
  server = await startServer({
    CHIRON_DEFAULT_HARNESS: 'claude-code',
    CHIRON_CLAUDE_BIN: CLAUDE_CODE,
    CHIRON_API_KEYS: `team:${KEY}`,
    ...claudeCodeVariables(model),
  });
});
afterEach(async () => {
  for (const terminal of terminals.splice(0)) await terminal.close();
});
afterAll(async () => {
  await server.stop();
  await model.close();
  await removeFolders();
});

async function ask(path: string, body?: object): Promise<JsonRecord> {
  const response = await fetch(`${server.url}${path}`, {
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const value: unknown = await response.json();
  if (!response.ok || !isRecord(value)) throw new Error(`${path}: ${response.status}`);
  return value;
}

/** What a bot in Slack does with a message of its channel. */
async function sayInSlack(text: string): Promise<string> {
  const path = `/api/session/${encodeURIComponent(THREAD)}`;
  await ask(path, { harness_type: 'claudecode' });
  const { execution_id: id } = await ask(`${path}/execute`, { input_lines: [text] });
  const turn = () => ask(`${path}/turns/${textOf(id)}`);
  await expect.poll(async () => (await turn())['status'], { timeout: 40_000 }).toBe('completed');
  const { message } = await turn();
  return recordsOf(isRecord(message) ? message['content'] : [])
    .map(({ text }) => textOf(text))
    .join('');
}

/** A person's machine, with both clients, which they have used before. */
async function newMachine(program = CLAUDE_CODE) {
  const [home, folder, programs] = [await newFolder('home'), await newFolder('project'), await newFolder('programs')];
  await symlink(program, join(programs, 'claude'));
  await symlink(CODEX, join(programs, 'codex'));
  const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const settings = { hasCompletedOnboarding: true, theme: 'dark', projects: { [folder]: trusted } };
  await writeFile(join(home, '.claude.json'), JSON.stringify(settings));
  await mkdir(join(home, '.codex'));
  const config = `check_for_update_on_startup = false\nfeatures.daemon_auto_start = false\n\n[projects."${folder}"]\ntrust_level = "trusted"\n`;
  await writeFile(join(home, '.codex', 'config.toml'), config);
  const variables = {
    PATH: `${programs}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    TMPDIR: home,
    CHIRON_URL: server.url,
    CHIRON_API_KEY: KEY,
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    IS_SANDBOX: '1',
  };
  return {
    join: async (...args: readonly string[]): Promise<Terminal> => {
      const terminal = await openTerminal([process.execPath, CHIRON, 'join', THREAD, ...args], folder, variables);
      terminals.push(terminal);
      return terminal;
    },
    /** Pastes the line that `chiron join --print` prints, with more arguments for the client. */
    paste: async (more: string, ...args: readonly string[]): Promise<string> => {
      const command = [CHIRON, 'join', THREAD, '--print', ...args];
      const { stdout: line } = await run(process.execPath, command, { cwd: folder, env: variables });
      return (await run('bash', ['-c', `${line.trim()} ${more}`], { cwd: folder, env: variables })).stdout;
    },
  };
}

const historyOf = async () =>
  recordsOf((await ask(`/api/session/${encodeURIComponent(THREAD)}/history`))['turns']).toReversed();

describe.skipIf(terminalSkipReason !== undefined)('One thread that goes from client to client', () => {
  it('is known to each of them: Slack, Claude Code, Codex, an SDK, and Claude Code again', async () => {
    expect(await sayInSlack('Why does the build fail?')).toContain('The build fails with a **timeout** after 30 s.');

    const machine = await newMachine();
    const claude = await machine.join('--client', 'claude');
    // What was said and done before is there, as in a session of its own.
    const before = await claude.shows(/recap: Joined slack:\S+ with its turn/);
    expect(before).toMatch(/❯ Why does the build fail\?/);
    expect(before).toMatch(/Bash\(echo [\s\S]*timeout after 30 s/);
    await claude.shows(/^❯\s*$/m);
    await claude.submit('Raise the limit, please.');
    await claude.shows('I raised the limit to 60 s.');
    await keepPicture(claude, 'handover-claude-code', 'Claude Code');

    const codex = await (await newMachine()).join('--client', 'codex');
    const resumed = await codex.shows(/• Joined slack:\S+ with its 2 turns/);
    expect(resumed).toMatch(/› Why does the build fail\?/);
    expect(resumed).toMatch(/› Raise the limit, please\./);
    expect(resumed).toContain('I raised the limit to 60 s.');
    await codex.submit('Where is the limit now?');
    await codex.shows('The limit is in build.toml now.');
    await keepPicture(codex, 'handover-codex', 'OpenAI Codex');

    const { Anthropic } = await loadSdk('sdk-1');
    const sdk = new Anthropic({ baseURL: server.url, apiKey: KEY, defaultHeaders: { 'x-chiron-thread-key': THREAD } });
    const request = { model: 'claude-code', max_tokens: 1000 };
    const noted = await sdk.messages.create({ ...request, messages: [{ role: 'user', content: 'Write that down.' }] });
    expect(said(noted)).toContain('All notes are written.');

    // It was away for two turns, and reads of them with its next answer.
    await claude.submit('So what was it?');
    const after = await claude.shows('It was the timeout: the limit is 60 s now, in build.toml.');
    expect(after).toMatch(
      /Meanwhile on this thread:\s+- Codex: Where is the limit now\?\s+- Agent: The limit is in build\.toml now\.\s+- Another client: Write that down\.\s+- Agent: All notes are written\./,
    );
    await keepPicture(claude, 'handover-meanwhile', 'Raise the limit');

    // The bot gets the turns of all of them with its events; the agent has heard all of it, in order and once.
    expect((await historyOf()).map(({ client, status }) => `${textOf(client)} ${textOf(status)}`)).toEqual([
      'session completed',
      'claude-code completed',
      'codex completed',
      'sdk completed',
      'claude-code completed',
    ]);
    expect(conversationOf(model)).toEqual([
      'user: Why does the build fail?',
      'assistant: I look into the log. ',
      expect.stringMatching(/^assistant: call toolu_1 Bash /),
      'user: result toolu_1 timeout after 30 s',
      'assistant: The build fails with a **timeout** after 30 s.',
      'user: Raise the limit, please.',
      'assistant: I raised the limit to 60 s.',
      'user: Where is the limit now?',
      'assistant: The limit is in build.toml now.',
      'user: Write that down.',
      'assistant: All notes are written.',
      'user: So what was it?',
    ]);
    const { sessions } = await ask('/api/sessions');
    expect(recordsOf(sessions).map(({ thread_key: key }) => key)).toEqual([THREAD]);
  }, 180_000);

  it.each(CLAUDE_CODES)(
    'goes on in Claude Code $version by the line that is printed',
    async ({ program }) => {
      const before = (await historyOf()).length;
      const printed = await (await newMachine(program)).paste("-p 'Is anything open?'", '--client', 'claude');
      const turns = await historyOf();
      expect(turns).toHaveLength(before + 1);
      expect(recordsOf(turns.at(-1)?.['answer']).map(({ text }) => text)).toEqual([printed.trim()]);
      expect(server.output()).not.toContain('forked a thread');
    },
    120_000,
  );
});

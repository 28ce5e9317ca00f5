import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from './support/json.js';
import { CODEX } from './support/programs.js';
import { openTerminal, type Terminal, terminalSkipReason } from './support/terminal.js';
import { turnsOf } from './support/turns.js';

let server: RunningServer;
let terminal: Terminal | undefined;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEMO: 'on', CHIRON_DEFAULT_HARNESS: 'demo' });
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(async () => {
  await server.stop();
  await removeFolders();
});

/** Without the daemon that Codex 0.169.0 installs in a new home: that takes ten seconds and more, and the daemon outlives the terminal. */
async function openCodex(): Promise<Terminal> {
  const [home, workspace] = [await newFolder('codex-home'), await newFolder('codex-workspace')];
  await writeFile(
    join(home, 'config.toml'),
    `model = "demo"
model_provider = "chiron"
check_for_update_on_startup = false
features.daemon_auto_start = false

[model_providers.chiron]
name = "Chiron"
base_url = "${server.url}/v1"
wire_api = "responses"
env_key = "CHIRON_API_KEY"

[projects."${workspace}"]
trust_level = "trusted"
`,
  );
  const variables = { PATH: process.env['PATH'] ?? '', HOME: home, CODEX_HOME: home, CHIRON_API_KEY: 'none' };
  terminal = await openTerminal([process.execPath, CODEX, '--no-alt-screen'], workspace, variables);
  await terminal.shows(/^›/m);
  return terminal;
}

/** The threads of Codex, with their turns, newest first. */
async function threads(): Promise<readonly JsonRecord[]> {
  const body: unknown = await (await fetch(`${server.url}/api/sessions?limit=100`)).json();
  return (isRecord(body) ? recordsOf(body['sessions']) : []).filter(({ thread_key: key }) =>
    textOf(key).startsWith('api:codex:'),
  );
}

describe.skipIf(terminalSkipReason !== undefined)('Codex in a terminal', () => {
  it('shows the answers to consecutive prompts of one thread, and keeps its request for a title off it', async () => {
    const before = (await threads()).length;
    const codex = await openCodex();
    await codex.submit('hello there');
    await codex.shows('You said: hello there');
    await codex.submit('and now?');
    await codex.shows('This is turn 2 of this thread');
    await codex.submit(' !echo from the inside');
    await eventually(async () => (await threads()).length).toBe(before + 1);
  });

  it('hands words that are typed while the agent works to the running turn', async () => {
    const codex = await openCodex();
    await codex.submit(' /stream 40 200 1');
    await codex.shows('word3');
    await codex.submit('and this, please');
    const screen = await codex.shows(/word39/);
    expect(screen).toContain('and this, please');
    const [thread] = await threads();
    const statuses = async () => (await turnsOf(server, textOf(thread?.['thread_key']))).map(({ status }) => status);
    await eventually(statuses).toEqual(['completed']);
  });

  it('stops the agent with the next prompt after Escape', async () => {
    const codex = await openCodex();
    await codex.submit(' /sleep 120');
    // Codex starts for some seconds before it sends a prompt, and before the agent works there is nothing to stop.
    await codex.shows('esc to interrupt');
    await eventually(async () => (await threads())[0]?.['status']).toBe('executing');
    await codex.press('Escape');
    await codex.shows('Conversation interrupted');
    await codex.submit('are you there?');
    await codex.shows('You said: are you there?');
    const [thread] = await threads();
    const turns = await turnsOf(server, textOf(thread?.['thread_key']));
    expect(turns.map(({ status }) => status)).toEqual(['completed', 'cancelled']);
  });

  it('goes on with the same agent after /compact', async () => {
    const codex = await openCodex();
    await codex.submit('hello there');
    await codex.shows('You said: hello there');
    await codex.submit('/compact');
    await codex.shows(/Context compacted/i);
    await codex.submit('and now?');
    await codex.shows('This is turn 2 of this thread. You said: and now?');
  });
});

import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toContinueLines } from '../../src/console/page/continue-lines.js';
import { CHIRON } from '../cli/run-chiron.js';
import { type RunningServer, startServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';
import { CLAUDE_CODE, CLAUDE_CODES, CODEX, skipReason } from './support/programs.js';
import { turnsOf } from './support/turns.js';

const KEY = 'key-of-the-person-at-the-terminal';
const run = promisify(execFile);

describe.skipIf(skipReason !== undefined)('The lines of the console, pasted into a terminal', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEMO: 'on', CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `team:${KEY}` });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  /** A thread with one turn, whose key a shell could misread, and the line for a client. */
  async function newLine(client: string, threadKey: string): Promise<string> {
    const messages = [{ role: 'user', content: 'the first prompt' }];
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': 'application/json', 'x-chiron-thread-key': threadKey },
      body: JSON.stringify({ model: 'demo', max_tokens: 64, messages }),
    });
    expect(response.status).toBe(200);
    const line = toContinueLines(server.url, threadKey, 'demo').find((each) => each.client === client)?.line;
    if (line === undefined) throw new Error(`there is no line for ${client}`);
    return line;
  }

  async function paste(line: string, path = process.env['PATH'] ?? ''): Promise<string> {
    const home = await newFolder('home');
    const environment = { PATH: path, HOME: home, TMPDIR: home, CHIRON_KEY: KEY };
    const claudeCode = { DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' };
    const { stdout } = await run('bash', ['-c', line], { cwd: home, env: { ...environment, ...claudeCode } });
    return stdout;
  }

  it.each(CLAUDE_CODES)('go on with the thread in Claude Code $version', async ({ program, version }) => {
    const threadKey = `team:it's $HOME ${version}`;
    const line = await newLine('Claude Code', threadKey);
    const programs = await newFolder('programs');
    await symlink(program, join(programs, 'claude'));
    const path = `${programs}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
    expect(await paste(`${line} -p 'the second prompt'`, path)).toContain('the second prompt');
    expect(await turnsOf(server, threadKey, KEY)).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
  });

  it('go on with the thread in Codex', async () => {
    const threadKey = `team:it's $HOME in Codex`;
    const line = await newLine('Codex', threadKey);
    const programs = await newFolder('programs');
    await symlink(CODEX, join(programs, 'codex'));
    const path = `${programs}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
    expect(await paste(`${line} exec --skip-git-repo-check 'the second prompt' < /dev/null`, path)).toContain(
      'This is turn 2 of this thread.',
    );
    expect(await turnsOf(server, threadKey, KEY)).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
  });

  it('join the thread with its conversation', async () => {
    const line = await newLine('Claude Code or Codex, with the conversation', `team:it's $HOME, joined`);
    const programs = await newFolder('programs');
    await symlink(CLAUDE_CODE, join(programs, 'claude'));
    // `npx chiron` would install the package of the registry.
    await writeFile(join(programs, 'npx'), `#!/bin/sh\nshift\nexec ${process.execPath} ${CHIRON} "$@"\n`, {
      mode: 0o755,
    });
    const printed = await paste(`${line} --print`, `${programs}:${process.env['PATH'] ?? ''}`);
    expect(printed).toContain(`x-chiron-known-turns: 1-1`);
    expect(printed).toMatch(/ANTHROPIC_AUTH_TOKEN="\$CHIRON_KEY" .* claude --resume \S+\n$/);
  });

  it.each([
    ['curl', { type: 'message', stop_reason: 'end_turn' }],
    ['curl, Chat Completions', { object: 'chat.completion', choices: [{ finish_reason: 'stop' }] }],
  ])('go on with the thread in %s', async (client, answer) => {
    const threadKey = `team:it's $HOME in ${client}`;
    const printed = await paste(`${await newLine(client, threadKey)} -sS --fail-with-body`);
    expect(JSON.parse(printed)).toMatchObject(answer);
    expect(await turnsOf(server, threadKey, KEY)).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
  });
});

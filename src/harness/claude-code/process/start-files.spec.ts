import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessThread } from '../../harness.js';
import { writeStartFiles } from './start-files.js';

describe(writeStartFiles.name, () => {
  let root: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'start-files-')));
    for (const folder of ['workspace/.claude/skills', 'home/.claude', 'server'])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'workspace', 'CLAUDE.md'), 'memory');
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function write(
    tools: HarnessThread['tools'] = 'all',
    templates: Readonly<Record<string, string>> = {},
    more: Partial<HarnessThread> = {},
  ) {
    const at = (name: string) => join(root, name);
    const thread: HarnessThread = {
      id: 't',
      folders: { workspace: at('workspace'), home: at('home'), server: at('server') },
      files: new ThreadFiles(root),
      model: undefined,
      systemPrompt: undefined,
      tools,
      sessionId: undefined,
      env: {},
      ...more,
    };
    return writeStartFiles(thread, { templateText: async (path) => templates[path] });
  }

  it('gives the agent its own memories and skills again, by links that a data folder can be moved with', async () => {
    const { memories, plugins } = await write();
    expect(memories.map((folder) => realpathSync(join(folder, '..')))).toEqual([
      join(root, 'server/claude'),
      join(root, 'server/claude'),
    ]);
    expect(readFileSync(join(memories[0] ?? '', 'CLAUDE.md'), 'utf8')).toBe('memory');
    expect(realpathSync(join(plugins[0] ?? '', 'skills'))).toBe(join(root, 'workspace/.claude/skills'));
    expect(lstatSync(join(plugins[1] ?? '', 'agents')).isSymbolicLink()).toBe(true);
  });

  it('gives an agent without tools none of that', async () => {
    expect(await write('none')).toMatchObject({ memories: [], plugins: [], mcpConfig: undefined });
  });

  it('names the servers of tools only when there are some', async () => {
    expect((await write()).mcpConfig).toBeUndefined();
    const { mcpConfig } = await write('all', { 'workspace/.mcp.json': '{"mcpServers":{"a":{"command":"a"}}}' });
    expect(JSON.parse(readFileSync(mcpConfig ?? '', 'utf8'))).toEqual({ mcpServers: { a: { command: 'a' } } });
  });

  it('leads an agent to the broker, whatever address the deployment’s settings have', async () => {
    const env = { ANTHROPIC_BASE_URL: 'https://gw', ANTHROPIC_CUSTOM_HEADERS: 'x: y', OTHER: 'kept' };
    const templates = { 'home/.claude/settings.json': JSON.stringify({ model: 'opus', env }) };
    const readEnv = async (more: Partial<HarnessThread>) =>
      JSON.parse(readFileSync((await write('all', templates, more)).settings, 'utf8')) as unknown;
    expect(await readEnv({ modelUrl: 'http://127.0.0.1:1/anthropic' })).toMatchObject({
      model: 'opus',
      env: { OTHER: 'kept' },
    });
    expect(await readEnv({ modelUrl: 'http://127.0.0.1:1/anthropic' })).not.toHaveProperty('env.ANTHROPIC_BASE_URL');
    expect(await readEnv({})).toMatchObject({ env });
  });

  it('leaves nothing of what an agent put among these files', async () => {
    await write();
    for (const name of ['home/hooks/hooks.json', 'home-memory/.claude/settings.json', 'mcp.json']) {
      mkdirSync(join(root, 'server/claude', name, '..'), { recursive: true });
      writeFileSync(join(root, 'server/claude', name), '{}');
    }
    await write();
    for (const name of ['home/hooks', 'home-memory/.claude/settings.json', 'mcp.json']) {
      expect(existsSync(join(root, 'server/claude', name))).toBe(false);
    }
  });

  const remembered = (name: string) => join(root, 'home/.claude', name);

  it.each(['.claude.json', '.config.json'])('takes the variables, and nothing else, out of %s', async (name) => {
    writeFileSync(remembered(name), '{"env":{"ANTHROPIC_BASE_URL":"http://elsewhere"},"numStartups":7}');
    await write();
    expect(JSON.parse(readFileSync(remembered(name), 'utf8'))).toEqual({ numStartups: 7 });
  });

  it('leaves what Claude Code remembers alone where there are none', async () => {
    writeFileSync(remembered('.claude.json'), '{ "numStartups": 7 }');
    await write();
    expect(readFileSync(remembered('.claude.json'), 'utf8')).toBe('{ "numStartups": 7 }');
    expect(existsSync(remembered('.config.json'))).toBe(false);
  });

  it.each<[string, (path: string) => unknown]>([
    ['is no JSON', (path) => writeFileSync(path, '\ufeff{"env":{"A":"b"}}')],
    ['is a list', (path) => writeFileSync(path, '[{"env":{"A":"b"}}]')],
    ['is a link', (path) => symlinkSync('../elsewhere.json', path)],
    ['is a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['is a folder', (path) => mkdirSync(path)],
  ])('begins it anew, as the deployment has it, where it %s', async (_, plant) => {
    writeFileSync(join(root, 'home/elsewhere.json'), '{"env":{"A":"b"}}');
    plant(remembered('.claude.json'));
    await write('all', { 'home/.claude/.claude.json': '{"env":{"C":"d"},"hasCompletedOnboarding":true}' });
    expect(lstatSync(remembered('.claude.json')).isFile()).toBe(true);
    expect(JSON.parse(readFileSync(remembered('.claude.json'), 'utf8'))).toEqual({ hasCompletedOnboarding: true });
    expect(readFileSync(join(root, 'home/elsewhere.json'), 'utf8')).toBe('{"env":{"A":"b"}}');
  });
});

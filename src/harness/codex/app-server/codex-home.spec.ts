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
import { putFile } from '../../../sandbox/deployed/deployed-files.js';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { allowsSpares, restoreHome } from './codex-home.js';

describe(restoreHome.name, () => {
  let root: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'codex-home-')));
    for (const folder of ['workspace/.codex', 'home/.codex']) mkdirSync(join(root, folder), { recursive: true });
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const restore = (templates: Readonly<Record<string, string>> = {}) =>
    restoreHome(
      {
        id: 't',
        folders: { workspace: join(root, 'workspace'), home: join(root, 'home'), server: join(root, 'server') },
        files: new ThreadFiles(root),
        model: undefined,
        systemPrompt: undefined,
        tools: 'all',
        sessionId: undefined,
        env: {},
      },
      {
        templateText: async (path) => templates[path],
        deploy: async (_, files) => {
          for (const [path, text] of Object.entries(files)) await putFile(new ThreadFiles(root), `home/${path}`, text);
        },
      },
    );
  const own = (path: string) => join(root, path);

  it.each([
    ['config.toml', ''],
    ['.env', ''],
    ['hooks.json', '{}'],
  ])('puts a %s without settings in the place of one that is not the deployment’s', async (name, none) => {
    writeFileSync(own(`home/.codex/${name}`), 'planted');
    await restore();
    expect(readFileSync(own(`home/.codex/${name}`), 'utf8')).toBe(none);
  });

  it.each<[string, (path: string) => unknown]>([
    ['changed', (path) => writeFileSync(path, 'planted')],
    ['removed', () => undefined],
    ['made a link', (path) => symlinkSync('/etc/hosts', path)],
    ['made a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['made a folder', (path) => mkdirSync(path)],
  ])('gives back the deployment’s settings that an agent has %s', async (_, damage) => {
    damage(own('home/.codex/config.toml'));
    const deployed = { 'home/.codex/config.toml': 'model = "gpt-6"\n', 'home/.codex/auth.json': '{}' };
    expect(await restore(deployed)).toMatchObject({ config: 'model = "gpt-6"\n', hasLogin: true });
    expect(lstatSync(own('home/.codex/config.toml')).isFile()).toBe(true);
    expect(readFileSync(own('home/.codex/config.toml'), 'utf8')).toBe('model = "gpt-6"\n');
  });

  it('takes a login in the thread for nothing of the deployment’s, and leaves it', async () => {
    writeFileSync(own('home/.codex/auth.json'), '{}');
    expect(await restore()).toMatchObject({ hasLogin: false });
    expect(existsSync(own('home/.codex/auth.json'))).toBe(true);
  });

  it('trusts the settings of a workspace as long as they are the deployment’s, and leaves them as they are', async () => {
    const deployed = { 'workspace/.codex/config.toml': 'a = 1\n' };
    expect(await restore()).toMatchObject({ trustsWorkspace: true, workspace: join(root, 'workspace') });
    expect(await restore(deployed)).toMatchObject({ trustsWorkspace: false });
    writeFileSync(own('workspace/.codex/config.toml'), 'a = 1\n');
    expect(await restore(deployed)).toMatchObject({ trustsWorkspace: true });
    expect(await restore()).toMatchObject({ trustsWorkspace: false });
    writeFileSync(own('workspace/.codex/hooks.json'), '{}');
    expect(await restore(deployed)).toMatchObject({ trustsWorkspace: false });
    expect(readFileSync(own('workspace/.codex/config.toml'), 'utf8')).toBe('a = 1\n');
    rmSync(own('workspace/.codex'), { recursive: true });
    symlinkSync('../home/.codex', own('workspace/.codex'));
    expect(await restore()).toMatchObject({ trustsWorkspace: false });
  });
});

describe('The settings of a deployment', () => {
  const allows = (files: Readonly<Record<string, string>>) =>
    allowsSpares({}, { templateText: (path) => Promise.resolve(files[path]) });

  it.each<readonly [boolean, string, Readonly<Record<string, string>>]>([
    [true, 'there are none', {}],
    [
      true,
      'they choose a model',
      { 'home/.codex/config.toml': 'model = "gpt-5.1"\n[shell_environment_policy]\nset = {}' },
    ],
    [false, 'MCP servers get variables', { 'home/.codex/config.toml': '[mcp_servers.docs]\nenv_vars = ["HOME"]' }],
    [false, 'a program is notified', { 'workspace/.codex/config.toml': 'notify = ["notify-send"]' }],
    [false, 'there are hooks', { 'home/.codex/hooks.json': '{}' }],
    [false, 'there are hooks among others', { 'home/.codex/config.toml': '[[hooks.stop]]\ncommand = "true"' }],
  ])('allow a Codex before its thread is known (%s) when %s', async (expected, _when, files) => {
    expect(await allows(files)).toBe(expected);
  });
});

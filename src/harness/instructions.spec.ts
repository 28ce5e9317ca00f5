import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThreadFiles } from '../sandbox/files/thread-files.js';
import { loadInstructions, MAX_AGENTS_FILE_BYTES } from './instructions.js';

describe(loadInstructions.name, () => {
  let folder: string;
  let workspace: string;
  let warnings: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'instructions-'));
    workspace = join(folder, 'workspace');
    warnings = [];
    await mkdir(workspace);
  });

  afterEach(() => rm(folder, { recursive: true }));

  const of = (systemPrompt: string | undefined) =>
    loadInstructions(
      {
        id: 't',
        folders: { workspace, home: '/nowhere', server: '/nowhere' },
        files: new ThreadFiles(folder),
        model: undefined,
        systemPrompt,
        tools: 'all',
        sessionId: undefined,
        env: {},
      },
      { warn: (text: string) => warnings.push(text) },
    );

  it('puts the workspace’s AGENTS.md before the caller’s system prompt', async () => {
    await writeFile(join(workspace, 'AGENTS.md'), 'rules');
    expect(await of('be kind')).toBe('rules\n\nbe kind');
    expect(await of(undefined)).toBe('rules');
    expect(warnings).toEqual([]);
  });

  it('returns nothing if both are missing or blank', async () => {
    expect(await of(undefined)).toBeUndefined();
    await writeFile(join(workspace, 'AGENTS.md'), ' \n');
    expect(await of(' ')).toBeUndefined();
    await rm(workspace, { recursive: true });
    expect(await of(undefined)).toBeUndefined();
  });

  it('truncates an AGENTS.md above the limit, and adds a note', async () => {
    await writeFile(join(workspace, 'AGENTS.md'), 'rules');
    await truncate(join(workspace, 'AGENTS.md'), 10 * MAX_AGENTS_FILE_BYTES);
    const text = await of('be kind');
    expect(text?.slice(0, 5)).toBe('rules');
    expect(text?.slice(MAX_AGENTS_FILE_BYTES)).toMatch(/^\n\n\[The rest of AGENTS.md is left out.*\]\n\nbe kind$/);
  });

  it.each<[string, (path: string) => unknown]>([
    ['a link to a file elsewhere', (path) => symlink('/proc/self/environ', path)],
    ['a link to a device', (path) => symlink('/dev/zero', path)],
    ['a link to itself', (path) => symlink('AGENTS.md', path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a folder', (path) => mkdir(path)],
    [
      'a second name of a file elsewhere',
      async (path) => {
        await writeFile(join(folder, 'elsewhere'), 'a secret');
        await link(join(folder, 'elsewhere'), path);
      },
    ],
  ])('ignores an AGENTS.md that is %s, with a warning', async (_, plant) => {
    await plant(join(workspace, 'AGENTS.md'));
    expect(await of('be kind')).toBe('be kind');
    expect(warnings).toEqual([expect.stringContaining('workspace/AGENTS.md')]);
  });

  it('follows links within the workspace, as in repositories and ConfigMaps', async () => {
    await mkdir(join(workspace, '..2024'));
    await writeFile(join(workspace, '..2024', 'AGENTS.md'), 'rules');
    await symlink('..2024', join(workspace, '..data'));
    await symlink('..data/AGENTS.md', join(workspace, 'CLAUDE.md'));
    await symlink('./..data/../CLAUDE.md', join(workspace, 'AGENTS.md'));
    expect(await of(undefined)).toBe('rules');
    expect(warnings).toEqual([]);
  });

  it.each(['../outside', '..data/../../outside', `/tmp/../${'x'.repeat(10)}`, '../workspace/../outside'])(
    'ignores an AGENTS.md that links to %s',
    async (target) => {
      await writeFile(join(folder, 'outside'), 'a secret');
      await symlink('.', join(workspace, '..data'));
      await symlink(target, join(workspace, 'AGENTS.md'));
      expect(await of(undefined)).toBeUndefined();
    },
  );

  it('ignores the AGENTS.md of a workspace that is a link', async () => {
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'elsewhere', 'AGENTS.md'), 'a secret');
    await rm(workspace, { recursive: true });
    await symlink('elsewhere', workspace);
    expect(await of('be kind')).toBe('be kind');
  });
});

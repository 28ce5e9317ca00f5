import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareThread, removeThread, threadFolders, type ThreadFolderOptions } from './thread-folders.js';

let folder: string;
let options: ThreadFolderOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-threads-'));
  options = { dataDirectory: join(folder, 'data'), workspaceTemplate: undefined, homeTemplate: undefined };
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

function templates(): ThreadFolderOptions {
  const [workspaceTemplate, homeTemplate] = [join(folder, 'workspace-template'), join(folder, 'home-template')];
  mkdirSync(join(workspaceTemplate, 'bin'), { recursive: true });
  writeFileSync(join(workspaceTemplate, 'AGENTS.md'), 'be kind');
  writeFileSync(join(workspaceTemplate, 'bin', 'run'), '#!/bin/sh\n');
  chmodSync(join(workspaceTemplate, 'bin', 'run'), 0o750);
  chmodSync(workspaceTemplate, 0o755);
  symlinkSync('AGENTS.md', join(workspaceTemplate, 'CLAUDE.md'));
  symlinkSync('/nowhere', join(workspaceTemplate, 'broken'));
  mkdirSync(join(homeTemplate, '.claude'), { recursive: true });
  writeFileSync(join(homeTemplate, '.claude', 'settings.json'), '{}');
  return { ...options, workspaceTemplate, homeTemplate };
}

describe('prepareThread', () => {
  it('makes folders that only their owner can enter', async () => {
    const folders = await prepareThread(options, 'one');
    expect(folders).toEqual(threadFolders(options.dataDirectory, 'one'));
    expect(folders.workspace).toBe(join(options.dataDirectory, 'threads', 'one', 'workspace'));
    const { thread, workspace, home, temporary } = folders;
    for (const each of [thread, workspace, home, temporary, join(home, '.claude'), join(home, '.codex')]) {
      expect(mode(each)).toBe('700');
    }
  });

  it('copies the templates with their modes, and their links as they are', async () => {
    const { workspace, home } = await prepareThread(templates(), 'one');
    expect(readFileSync(join(workspace, 'AGENTS.md'), 'utf8')).toBe('be kind');
    expect(mode(join(workspace, 'bin', 'run'))).toBe('750');
    expect(mode(workspace)).toBe('700');
    expect(readlinkSync(join(workspace, 'CLAUDE.md'))).toBe('AGENTS.md');
    expect(lstatSync(join(workspace, 'broken')).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(home, '.claude'))).toEqual(['settings.json']);
    expect(existsSync(join(home, '.codex'))).toBe(true);
  });

  it('leaves a known thread as it is, apart from folders that are missing', async () => {
    const { workspace, home } = await prepareThread(templates(), 'one');
    writeFileSync(join(workspace, 'AGENTS.md'), 'changed');
    rmSync(join(workspace, 'bin'), { recursive: true });
    rmSync(join(home, '.codex'), { recursive: true });
    await prepareThread(templatesAgain(), 'one');
    expect(readFileSync(join(workspace, 'AGENTS.md'), 'utf8')).toBe('changed');
    expect(existsSync(join(workspace, 'bin'))).toBe(false);
    expect(existsSync(join(home, '.codex'))).toBe(true);
  });

  it('makes one whole thread when two servers prepare it at once', async () => {
    const both = templates();
    await Promise.all([prepareThread(both, 'one'), prepareThread(both, 'one'), prepareThread(both, 'one')]);
    expect(readdirSync(join(options.dataDirectory, 'threads'))).toEqual(['one']);
    expect(existsSync(join(options.dataDirectory, 'threads', 'one', 'workspace', 'bin', 'run'))).toBe(true);
  });

  it('leaves nothing behind when a template cannot be copied, and works once it can', async () => {
    const missing = { ...options, homeTemplate: join(folder, 'missing') };
    await expect(prepareThread(missing, 'one')).rejects.toThrow('missing');
    expect(readdirSync(join(options.dataDirectory, 'threads'))).toEqual([]);
    mkdirSync(join(folder, 'missing'));
    writeFileSync(join(folder, 'missing', '.gitconfig'), '');
    const { home } = await prepareThread(missing, 'one');
    expect(existsSync(join(home, '.gitconfig'))).toBe(true);
  });

  it.each(['', '.', '..', '../other', 'a/b', 'a\\b', 'a b', 'ä', 'a\0', 'one\n'])('refuses the id %j', async (id) => {
    expect(() => threadFolders(options.dataDirectory, id)).toThrow('thread id');
    await expect(prepareThread(options, id)).rejects.toThrow('thread id');
    await expect(removeThread(options.dataDirectory, id)).rejects.toThrow('thread id');
  });

  function templatesAgain(): ThreadFolderOptions {
    return {
      ...options,
      workspaceTemplate: join(folder, 'workspace-template'),
      homeTemplate: join(folder, 'home-template'),
    };
  }
});

describe('removeThread', () => {
  it('removes all of a thread and nothing of another', async () => {
    await prepareThread(options, 'one');
    await prepareThread(options, 'two');
    await removeThread(options.dataDirectory, 'one');
    expect(readdirSync(join(options.dataDirectory, 'threads'))).toEqual(['two']);
  });

  it('does nothing for a thread without folders', async () => {
    await expect(removeThread(options.dataDirectory, 'one')).resolves.toBeUndefined();
  });
});

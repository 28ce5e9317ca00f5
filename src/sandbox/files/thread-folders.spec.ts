import { execFileSync } from 'node:child_process';
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
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../__fixtures__/as-nobody.js';
import type { SandboxOptions } from '../sandbox.js';
import { MissingTemplateError } from '../errors.js';
import { findWorkspaceTemplate } from './template.js';
import { ThreadFolderStore } from './thread-folders.js';
import { toThreadFolders, type ThreadFolders } from './thread-paths.js';

let folder: string;
let options: SandboxOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-threads-'));
  options = { dataDirectory: join(folder, 'data'), workspaceTemplate: undefined, homeTemplate: undefined };
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

function templates(): SandboxOptions {
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

const prepareThread = (of: SandboxOptions, id: string) => new ThreadFolderStore(of).prepare(id, ['.claude', '.codex']);

describe('A workspace template', () => {
  it('is the one of a name, or the deployment’s own, and missing if there is none', () => {
    const workspaceTemplates = join(folder, 'templates');
    mkdirSync(join(workspaceTemplates, 'team-a'), { recursive: true });
    writeFileSync(join(workspaceTemplates, 'file'), '');
    const find = (name: string | undefined, of: Partial<SandboxOptions> = { workspaceTemplates }) =>
      findWorkspaceTemplate({ workspaceTemplate: '/own', workspaceTemplates: undefined, ...of }, name);
    expect(find(undefined)).toBe('/own');
    expect(find('team-a')).toBe(join(workspaceTemplates, 'team-a'));
    for (const missing of ['team-b', 'file']) expect(() => find(missing)).toThrow(MissingTemplateError);
    expect(() => find('team-a', {})).toThrow(MissingTemplateError);
  });
});

describe('Folders that were made ahead', () => {
  const ahead = () => join(options.dataDirectory, 'threads-ahead');
  const drafts = () => (existsSync(ahead()) ? readdirSync(ahead()) : []);
  const makeOneAhead = async (store: ThreadFolderStore): Promise<string> => {
    await store.prepare('first', ['.claude']);
    await expect.poll(() => drafts().length).toBe(1);
    const draft = join(ahead(), drafts()[0] ?? '');
    await expect.poll(() => existsSync(join(draft, 'home/.claude'))).toBe(true);
    return draft;
  };

  beforeEach(() => {
    options = { ...options, makesFoldersAhead: true };
  });

  it('become those of the next new thread, like any others', async () => {
    const store = new ThreadFolderStore(options);
    const draft = await makeOneAhead(store);
    const { ino } = statSync(draft);
    const { thread, ...others } = await store.prepare('next', ['.claude']);
    expect(statSync(thread).ino).toBe(ino);
    for (const path of [thread, ...Object.values(others), join(others.home, '.claude')]) expect(mode(path)).toBe('700');
    await expect.poll(() => drafts().length).toBe(1);
    expect(existsSync(draft)).toBe(false);
  });

  it('are not taken for a home with other folders, nor where templates are', async () => {
    const store = new ThreadFolderStore(options);
    const draft = await makeOneAhead(store);
    const { home } = await store.prepare('other', ['.codex']);
    expect(readdirSync(home)).toEqual(['.codex']);
    const template = join(folder, 'template');
    mkdirSync(template);
    writeFileSync(join(template, 'AGENTS.md'), 'be kind');
    const { workspace } = await store.prepare('templated', ['.claude'], template);
    expect(readdirSync(workspace)).toEqual(['AGENTS.md']);
    expect(existsSync(draft)).toBe(true);
  });

  it('are made anew when somebody has removed them', async () => {
    const store = new ThreadFolderStore(options);
    rmSync(await makeOneAhead(store), { recursive: true });
    const { home } = await store.prepare('next', ['.claude']);
    expect(existsSync(join(home, '.claude'))).toBe(true);
  });

  it('are removed when their server stops', async () => {
    const store = new ThreadFolderStore(options);
    await makeOneAhead(store);
    await store.prepare('next', ['.claude']);
    await store.close();
    expect(drafts()).toEqual([]);
    await store.prepare('last', ['.claude']);
    await wait(50);
    expect(drafts()).toEqual([]);
  });

  it('are kept by a sweep of their server, and removed by that of the next', async () => {
    const store = new ThreadFolderStore(options);
    const draft = await makeOneAhead(store);
    expect(await store.sweep()).toEqual([]);
    expect(existsSync(draft)).toBe(true);
    await new ThreadFolderStore(options).sweep();
    expect(existsSync(draft)).toBe(false);
  });
});

describe('The folders of a thread', () => {
  it('copies those of a thread but for its temporary one, and leaves no draft if the copy is not accepted', async () => {
    const store = new ThreadFolderStore(options);
    const { workspace, temporary, server } = await store.prepare('one');
    for (const each of [workspace, temporary, server]) writeFileSync(join(each, 'file'), 'x');
    await expect(store.copy('one', 'two', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(readdirSync(join(options.dataDirectory, 'threads'))).toEqual(['one']);
    await store.copy('one', 'two', () => Promise.resolve());
    const two = toThreadFolders(options.dataDirectory, 'two');
    expect([two.workspace, two.server, two.temporary].map((each) => existsSync(join(each, 'file')))).toEqual([
      true,
      true,
      false,
    ]);
    expect(readdirSync(join(options.dataDirectory, 'threads')).toSorted()).toEqual(['one', 'two']);
  });

  it('sweeps the draft of a copy that broke off', async () => {
    const threads = join(options.dataDirectory, 'threads');
    mkdirSync(join(threads, '.new-broken-off', 'workspace'), { recursive: true });
    expect(await new ThreadFolderStore(options).sweep()).toEqual([]);
    expect(readdirSync(threads)).toEqual([]);
  });

  it('makes folders that only their owner can enter', async () => {
    const folders = await prepareThread(options, 'one');
    expect(folders).toEqual(toThreadFolders(options.dataDirectory, 'one'));
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

  it('makes one complete thread when two servers prepare it at once', async () => {
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
    expect(() => toThreadFolders(options.dataDirectory, id)).toThrow('thread id');
    await expect(prepareThread(options, id)).rejects.toThrow('thread id');
    await expect(new ThreadFolderStore(options).remove(id)).rejects.toThrow('thread id');
  });

  const damages: readonly (readonly [string, (folders: ThreadFolders) => unknown])[] = [
    ['removed its workspace', ({ workspace }) => rmSync(workspace, { recursive: true })],
    ['removed its home', ({ home }) => rmSync(home, { recursive: true })],
    ['removed all of its folders', ({ thread }) => rmSync(thread, { recursive: true })],
    [
      'put a file in the place of its workspace',
      ({ workspace }) => (rmSync(workspace, { recursive: true }), writeFileSync(workspace, '')),
    ],
    [
      'put a link in the place of its workspace',
      ({ workspace }) => (rmSync(workspace, { recursive: true }), symlinkSync('/', workspace)),
    ],
    [
      'put a link in the place of its home',
      ({ home }) => (rmSync(home, { recursive: true }), symlinkSync(folder, home)),
    ],
    [
      'put a link in the place of what the server writes',
      ({ server }) => (rmSync(server, { recursive: true }), symlinkSync(folder, server)),
    ],
    [
      'put a FIFO in the place of its settings',
      ({ home }) => (
        rmSync(join(home, '.claude'), { recursive: true }),
        execFileSync('mkfifo', [join(home, '.claude')])
      ),
    ],
    [
      'put a link in the place of the whole thread',
      ({ thread }) => (rmSync(thread, { recursive: true }), symlinkSync(folder, thread)),
    ],
    ...[0, 0o400, 0o500].flatMap((closed) =>
      ['workspace', 'home', 'tmp', 'server', 'home/.claude', 'home/.codex', ''].map(
        (name) =>
          [
            `took rights (${closed.toString(8)}) from ${name || 'the thread'}`,
            ({ thread }: ThreadFolders) => chmodSync(join(thread, name), closed),
          ] as const,
      ),
    ),
  ];

  it.each(damages)('are repaired for the next turn of an agent that %s', async (_, damage) => {
    // As root nothing is closed.
    await asNobody(folder, async () => {
      const before = await prepareThread(options, 'one');
      damage(before);
      const { workspace, home, temporary, server } = await prepareThread(options, 'one');
      for (const each of [workspace, home, temporary, server, join(home, '.claude'), join(home, '.codex')]) {
        expect(lstatSync(each).isDirectory()).toBe(true);
        expect(mode(each)).toBe('700');
        writeFileSync(join(each, 'works'), '');
      }
    });
    // Nothing was made where a link led.
    expect(readdirSync(folder)).toEqual(['data']);
  });

  function templatesAgain(): SandboxOptions {
    return {
      ...options,
      workspaceTemplate: join(folder, 'workspace-template'),
      homeTemplate: join(folder, 'home-template'),
    };
  }
});

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildEnvironment, buildPath } from './environment.js';
import { findProgram } from './process/find-program.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-environment-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function program(...path: readonly string[]): string {
  const file = join(folder, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

describe('the environment of a sandbox process', () => {
  const folders = { workspace: '/threads/one/workspace', home: '/threads/one/home', server: '/threads/one/server' };
  const make = (server: Record<string, string>, added: Record<string, string> = {}) =>
    buildEnvironment({
      server,
      folders,
      temporaryFolder: '/threads/one/tmp',
      added,
      markers: { CHIRON_PROCESS: 'mark' },
    });

  it('holds the basics and nothing else of the server', () => {
    const environment = make({
      PATH: '/usr/bin:/bin',
      LANG: 'de_DE.UTF-8',
      TZ: 'Europe/Berlin',
      USER: 'ada',
      CANARY: 'secret',
    });
    expect(Object.keys(environment).sort()).toEqual([
      'CHIRON_PROCESS',
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'PWD',
      'SHELL',
      'TERM',
      'TMPDIR',
      'TZ',
      'USER',
    ]);
    expect(environment).toMatchObject({
      HOME: folders.home,
      PWD: folders.workspace,
      TMPDIR: '/threads/one/tmp',
      LANG: 'de_DE.UTF-8',
      TZ: 'Europe/Berlin',
      TERM: 'dumb',
      USER: 'ada',
      LOGNAME: 'ada',
    });
  });

  it('lets the command win over the basics, but not over the markers', () => {
    expect(make({}, { LANG: 'C', KEY: 'value', CHIRON_PROCESS: 'forged' })).toMatchObject({
      LANG: 'C',
      KEY: 'value',
      CHIRON_PROCESS: 'mark',
    });
  });
});

describe('sandboxPath', () => {
  it('leaves out the folders of npm and those relative to the working directory', () => {
    const node = dirname(program('bin', 'node'));
    const path = `/project/node_modules/.bin:/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:${node}:.::tools:/opt/node_modules/.binary`;
    expect(buildPath(path)).toBe(`${node}:/opt/node_modules/.binary`);
  });

  it("puts the server's own node last when no other is left", () => {
    expect(buildPath(`/project/node_modules/.bin:${folder}`, '/runtime/bin/node')).toBe(`${folder}:/runtime/bin`);
  });
});

describe('findProgram', () => {
  it('finds a name in the first folder that has it', () => {
    const second = program('second', 'tool');
    program('third', 'tool');
    const path = ['first', 'second', 'third'].map((name) => join(folder, name)).join(':');
    expect(findProgram('tool', path)).toBe(second);
  });

  it('passes over folders and files that cannot be run', () => {
    mkdirSync(join(folder, 'one', 'tool'), { recursive: true });
    mkdirSync(join(folder, 'two'));
    writeFileSync(join(folder, 'two', 'tool'), '', { mode: 0o644 });
    expect(findProgram('tool', `${folder}/one:${folder}/two`)).toBeUndefined();
    expect(findProgram(join(folder, 'one', 'tool'), '')).toBeUndefined();
  });

  it('takes a path as it is', () => {
    const file = program('tool');
    expect(findProgram(file, '')).toBe(file);
    expect(findProgram(join(folder, 'missing'), folder)).toBeUndefined();
    expect(findProgram('', folder)).toBeUndefined();
  });
});

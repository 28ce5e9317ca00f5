import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { claudeCode } from '../../src/harness/claude-code/definition.js';
import { codex } from '../../src/harness/codex/definition.js';
import { findHostProblem } from '../../src/start/host-problem.js';

// What the built server, `package.json` and the lock are to those who install them. Nothing here needs the network.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
}

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const manifest = readJson('package.json') as Manifest;
const { packages } = readJson('package-lock.json') as Lock;
/** All but the project itself, whose path is empty. */
const locked = Object.entries(packages).filter(([path]) => path !== '');

describe('The packed server', () => {
  const files = packedFiles();

  it('has the build, the documents and nothing else', () => {
    expect([...new Set(files.map((path) => path.replace(/\/.*/, '')))].sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'dist', 'docs', 'package.json'].sort(),
    );
    expect(files.filter((path) => /\.spec\.|__fixtures__|tsbuildinfo/.test(path))).toEqual([]);
  });

  it('has the program chiron, which a shell starts with Node', () => {
    expect(manifest.bin).toEqual({ chiron: 'dist/cli/chiron.js' });
    expect(files).toContain('dist/cli/chiron.js');
    expect(readText('dist/cli/chiron.js').split('\n')[0]).toBe('#!/usr/bin/env node');
  });

  it('imports only what is installed with it', () => {
    const imported = importsOf('build');
    expect(imported).toContain('@nestjs/core');
    expect(imported.filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });
});

describe('The bundle', () => {
  const programs = [
    'broker/process/main.js',
    'cli/chiron.js',
    'main.js',
    'messages/count-tokens/tokenize.worker.js',
    'workers/check-schema.worker.js',
    'workers/parse-json.worker.js',
  ];

  it('has what is started by its file in its place, and everything else beside main', () => {
    const below = scriptsIn('dist').filter((name) => name.includes('/'));
    expect([...below, 'main.js'].sort()).toEqual(programs);
    // Everything that is started by its file, or read, is found from there.
    expect(scriptsIn('dist').filter((name) => /own-files/.test(name))).toEqual([
      expect.stringMatching(/^own-files-[\w-]+\.js$/),
    ]);
  });

  it('has no character that would make V8 keep a file with two bytes for each', () => {
    expect(scriptsIn('dist').filter((name) => /[^\0-\u00ff]/.test(readText(`dist/${name}`)))).toEqual([]);
  });

  it('imports none of the packages that a start would have to look for', () => {
    const imported = importsOf('dist');
    // What Nest imports where it is installed.
    expect(imported).toContain('@nestjs/microservices');
    expect(imported.filter((name) => name in manifest.dependencies)).toEqual([]);
  });
});

describe('The Node that package.json asks for', () => {
  const oldest = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node)?.slice(1).map(Number) ?? [];
  const [major = Number.NaN, minor = Number.NaN] = oldest;

  it('is the oldest one on which the server starts', () => {
    expect(findHostProblem(`${major}.${minor}.0`)).toBeUndefined();
    expect(findHostProblem(`${major}.${minor - 1}.0`)).toBe(
      `Chiron needs Node ${major}.${minor} or newer; this is Node ${major}.${minor - 1}.0.`,
    );
  });

  it('is of the major version in .nvmrc, which is the one that an install brings', () => {
    const [broughtMajor, broughtMinor] = packages['node_modules/node']?.version.split('.').map(Number) ?? [];
    expect(readText('.nvmrc').trim()).toBe(String(major));
    expect(broughtMajor).toBe(major);
    expect(broughtMinor).toBeGreaterThanOrEqual(minor);
  });
});

describe('chiron agents install', () => {
  it('installs the versions that the tests of clients run with', () => {
    const clients = readJson('test/clients/package.json') as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly optionalDependencies: Readonly<Record<string, string>>;
    };
    expect(claudeCode.npmPackage?.version).toBe(clients.optionalDependencies['@anthropic-ai/claude-code-linux-x64']);
    expect(codex.npmPackage?.version).toBe(clients.dependencies['@openai/codex']);
  });
});

describe('The lock', () => {
  it('has a checksum for every package, so that nothing is installed unverified', () => {
    expect(locked.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([]);
    expect(locked.length).toBeGreaterThan(100);
  });

  it('names no registry, so that it holds behind any mirror', () => {
    expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});

function readText(path: string): string {
  return readFileSync(`${ROOT}/${path}`, 'utf8');
}

function readJson(path: string): unknown {
  return JSON.parse(readText(path));
}

/** What `npm pack` would pack. Without its scripts: `prepack` builds, which would remove `dist` under the other tests. */
function packedFiles(): readonly string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A list of packages; an object of them by name from npm 12 on.
  const packed = Object.values(JSON.parse(output) as Record<string, { readonly files: readonly { path: string }[] }>);
  return packed.flatMap(({ files }) => files.map(({ path }) => path));
}

/** The names of the modules in a folder, without those of the console's page, which browsers run. */
function scriptsIn(folder: string): readonly string[] {
  const names = readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.js') && !name.startsWith('console/page/'));
}

/** The packages that the modules of a folder import. */
function importsOf(folder: string): readonly string[] {
  return [...new Set(scriptsIn(folder).flatMap((name) => importedPackages(readText(`${folder}/${name}`))))];
}

/** The packages that a compiled module imports, statically or not; also one without spaces, as in the bundle. */
function importedPackages(script: string): readonly string[] {
  const imports = [
    ...script.matchAll(/(?:^|[;}])(?:import|export)(?:[\w$*{},\s]+\bfrom)?\s*['"]([^'".][^'"]*)['"]/gm),
    ...script.matchAll(/\bimport\(['"`]([^'"`.][^'"`]*)['"`]/g),
  ];
  const specifiers = imports.map(([, name = '']) => name);
  return specifiers.filter((name) => !isBuiltin(name)).map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
}

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BinaryLayout, findPackagedBinary } from './packaged-binary.js';

const LAYOUT: BinaryLayout = {
  packageName: '@maker/agent',
  script: 'bin/agent.js',
  platforms: { 'linux-x64': { packageName: '@maker/agent-linux', program: 'vendor/bin/agent' } },
};

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'chiron-package-')));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe(findPackagedBinary.name, () => {
  it('finds the native program of a package by its script', () => {
    const program = install('node_modules', 'node_modules');
    const script = join(folder, 'node_modules/@maker/agent/bin/agent.js');
    expect(find(script)).toEqual({ program, packageFolder: join(folder, 'node_modules/@maker/agent') });
  });

  it('finds it by the link that npm makes to the script, also by its name on PATH', () => {
    const program = install('node_modules', 'node_modules');
    const bin = join(folder, 'node_modules/.bin');
    mkdirSync(bin);
    symlinkSync('../@maker/agent/bin/agent.js', join(bin, 'agent'));
    vi.stubEnv('PATH', bin);
    expect(find(join(bin, 'agent'))?.program).toBe(program);
    expect(find('agent')?.program).toBe(program);
  });

  it.each([
    ['npm puts it below the package itself', 'lib/node_modules/@maker/agent/node_modules', 'lib/node_modules'],
    ['pnpm puts it beside the package', '.pnpm/agent@1/node_modules', '.pnpm/agent@1/node_modules'],
  ])('finds it where %s', (_, platformModules, modules) => {
    const program = install(modules, platformModules);
    expect(find(join(folder, modules, '@maker/agent/bin/agent.js'))?.program).toBe(program);
  });

  it('finds nothing where another program, platform or layout needs the program itself', () => {
    install('node_modules', 'node_modules');
    const script = join(folder, 'node_modules/@maker/agent/bin/agent.js');
    const own = write('bin/agent.js');
    const stranger = write('node_modules/@other/agent/bin/agent.js');
    expect([find(own), find(stranger), find('no-such-agent'), find(join(folder, 'missing'))]).toEqual(
      Array.from({ length: 4 }),
    );
    expect(findPackagedBinary(script, LAYOUT, 'plan9-mips')).toBeUndefined();
    rmSync(join(folder, 'node_modules/@maker/agent-linux/vendor'), { recursive: true });
    expect(find(script)).toBeUndefined();
    rmSync(join(folder, 'node_modules/@maker/agent-linux'), { recursive: true });
    expect(find(script)).toBeUndefined();
  });

  it('finds nothing where the native program may not be run', () => {
    const program = install('node_modules', 'node_modules');
    rmSync(program);
    write('node_modules/@maker/agent-linux/vendor/bin/agent', 0o644);
    expect(find(join(folder, 'node_modules/@maker/agent/bin/agent.js'))).toBeUndefined();
  });
});

function find(command: string) {
  return findPackagedBinary(command, LAYOUT, 'linux-x64');
}

/** Puts the package and that of the platform into folders; returns the native program. */
function install(modules: string, platformModules: string): string {
  write(join(modules, '@maker/agent/bin/agent.js'));
  write(join(platformModules, '@maker/agent-linux/package.json'));
  writeFileSync(join(folder, platformModules, '@maker/agent-linux/package.json'), '{}');
  return write(join(platformModules, '@maker/agent-linux/vendor/bin/agent'));
}

function write(path: string, mode = 0o755): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '', { mode });
  return file;
}

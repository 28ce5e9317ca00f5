import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newFolder, removeFolder } from '../support/start-main.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-if-stale.mjs', import.meta.url));
/** A stand-in for the build tool, whose status is that of the type check. */
const buildTool = (status: number): string => `#!/bin/sh\nexit ${status}\n`;
/** A stand-in for what bundles the modules: each time is a line in `dist/main.js`. */
const bundler = (status: number): string => `
import { appendFileSync, mkdirSync } from 'node:fs';
mkdirSync('dist', { recursive: true });
appendFileSync('dist/main.js', 'built\\n');
process.exitCode = ${status};
`;
/** A stand-in for the compiler of the console's page. */
const pageTool = (status: number): string => `#!/bin/sh\ntest "$2" = src/console/page || exit 3\nexit ${status}\n`;
const OLDER = new Date('2026-01-01T00:00:00Z');
const NEWER = new Date('2026-01-02T00:00:00Z');

let folder: string;

beforeEach(() => {
  folder = newFolder();
  for (const path of ['nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', 'src/ops/health.ts']) write(path, '');
  for (const path of ['src/ops', 'src']) setTime(path, OLDER);
  write('scripts/bundle.mjs', bundler(0));
  write('node_modules/.bin/tsc', pageTool(0));
});

afterEach(() => removeFolder(folder));

describe('Before npm start', () => {
  it('a new checkout is built', () => {
    write('node_modules/.bin/nest', buildTool(0));
    expect(run()).toEqual({ status: 0, output: '' });
    expect(builds()).toBe(1);
  });

  it('a build that is newer than the sources is kept', () => {
    write('node_modules/.bin/nest', buildTool(0));
    write('dist/main.js', 'built\n', NEWER);
    expect(run()).toEqual({ status: 0, output: '' });
    expect(builds()).toBe(1);
  });

  it.each([
    ['a source changed', () => setTime('src/ops/health.ts', NEWER)],
    ['a source was removed', () => rmSync(join(folder, 'src/ops/health.ts'))],
    ['the settings of the compiler changed', () => setTime('tsconfig.json', NEWER)],
    ['the bundler changed', () => setTime('scripts/bundle.mjs', NEWER)],
  ])('the server is built again when %s', (_, change) => {
    write('node_modules/.bin/nest', buildTool(0));
    write('dist/main.js', 'built\n', new Date('2026-01-01T12:00:00Z'));
    change();
    expect(run()).toEqual({ status: 0, output: '' });
    expect(builds()).toBe(2);
  });

  it('a build with errors stops the start, and is tried again at the next one', () => {
    write('node_modules/.bin/nest', buildTool(2));
    expect(run().status).toBe(1);
    expect(run().status).toBe(1);
    write('node_modules/.bin/nest', buildTool(0));
    expect(run().status).toBe(0);
    expect(builds()).toBe(1);
  });

  it('so does a page of the console with errors', () => {
    write('node_modules/.bin/nest', buildTool(0));
    write('node_modules/.bin/tsc', pageTool(2));
    expect(run().status).toBe(1);
    write('node_modules/.bin/tsc', pageTool(0));
    expect(run().status).toBe(0);
    expect(builds()).toBe(1);
  });

  it('so do modules that cannot be bundled', () => {
    write('node_modules/.bin/nest', buildTool(0));
    write('scripts/bundle.mjs', bundler(2));
    expect(run().status).toBe(1);
    write('scripts/bundle.mjs', bundler(0));
    expect(run().status).toBe(0);
    expect(builds()).toBe(1);
  });

  it('a production install starts what was built, though its sources are newer', () => {
    write('dist/main.js', 'built\n');
    setTime('src/ops/health.ts', NEWER);
    expect(run()).toEqual({ status: 0, output: '' });
    expect(builds()).toBe(1);
  });

  it('a production install that was never built says what to run', () => {
    expect(run()).toEqual({
      status: 1,
      output: 'Chiron is not built, and its build tools are not installed: run `npm ci && npm run build` first.\n',
    });
  });
});

function run(): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function builds(): number {
  return readFileSync(join(folder, 'dist/main.js'), 'utf8').trim().split('\n').length;
}

function write(path: string, text: string, time = OLDER): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text, { mode: 0o755 });
  setTime(path, time);
}

function setTime(path: string, time: Date): void {
  utimesSync(join(folder, path), time, time);
}

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPackageVersion } from './package-version.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-package-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

it.each(['agent', '@scope/agent'])('finds the version of %s behind a link of npm', (name) => {
  write(`node_modules/${name}/package.json`, '{"name": "agent", "version": "1.2.3"}');
  const script = write(`node_modules/${name}/bin/agent.mjs`, '#!/usr/bin/env node\n');
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync(script, join(folder, 'node_modules/.bin/agent'));
  expect(findPackageVersion(join(folder, 'node_modules/.bin/agent'))).toBe('1.2.3');
});

it('finds that of the innermost package', () => {
  write('node_modules/outer/package.json', '{"version": "1.0.0"}');
  write('node_modules/outer/node_modules/inner/package.json', '{"version": "2.0.0"}');
  expect(findPackageVersion(write('node_modules/outer/node_modules/inner/program', ''))).toBe('2.0.0');
});

it('finds none for a program of a project, without a readable package, or that is not there', () => {
  write('package.json', '{"version": "1.2.3"}');
  expect(findPackageVersion(write('bin/agent', ''))).toBeUndefined();
  expect(findPackageVersion(write('node_modules/bare/agent', ''))).toBeUndefined();
  write('node_modules/broken/package.json', '{');
  expect(findPackageVersion(write('node_modules/broken/agent', ''))).toBeUndefined();
  expect(findPackageVersion(join(folder, 'nothing'))).toBeUndefined();
});

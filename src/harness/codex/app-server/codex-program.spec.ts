import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findCodexProgram } from './codex-program.js';

const TARGETS: Readonly<Record<string, string>> = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};
const PLATFORM = `${process.platform}-${process.arch}`;
const target = TARGETS[PLATFORM];

it.skipIf(target === undefined)(
  'Codex from npm is started without its script, with the variables of the script',
  () => {
    const modules = join(newFolder(), 'node_modules/@openai');
    const script = write(join(modules, 'codex/bin/codex.js'));
    write(join(modules, `codex-${PLATFORM}/package.json`));
    const binary = write(join(modules, `codex-${PLATFORM}/vendor/${target}/bin/codex`));
    expect(findCodexProgram(script)).toEqual({
      command: binary,
      env: { CODEX_MANAGED_PACKAGE_ROOT: join(modules, 'codex'), CODEX_MANAGED_BY_NPM: '1' },
    });
  },
);

it('any other Codex is started as it is', () => {
  const program = write(join(newFolder(), 'codex'));
  expect(findCodexProgram(program)).toEqual({ command: program, env: {} });
  expect(findCodexProgram('no-such-codex')).toEqual({ command: 'no-such-codex', env: {} });
});

function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'chiron-codex-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function write(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '{}', { mode: 0o755 });
  return file;
}

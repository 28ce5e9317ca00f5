import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../sandbox/host/run-program.js';
import { probeVersion, parseVersion } from './probe.js';

/** The local kind's way to run a program, as what real programs do is the question here. */
const sandbox = { run: runProgram };
const folder = mkdtempSync(join(tmpdir(), 'probe-'));

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function brokenProgram(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o755 });
  return path;
}

describe('probeVersion', () => {
  it('returns the version of a program', async () => {
    expect(await probeVersion(sandbox, program('codex', 'echo codex-cli 0.169.0'))).toBe('0.169.0');
  });

  it.each([
    ['is missing', join(folder, 'missing')],
    ['is no program', folder],
    ['fails', program('failing', 'echo 1.2.3; exit 1')],
    ['prints no version', program('mute', 'echo hello')],
    ['is a relative path', './codex'],
  ])('returns nothing for a program that %s', async (_, command) => {
    expect(await probeVersion(sandbox, command)).toBeUndefined();
  });
});

describe('a program that is installed but not usable', () => {
  it.each([
    [program('failing-loudly', 'exit 3'), 'ends with 3'],
    [program('wordless', 'echo hello'), 'prints no version'],
    [brokenProgram('no-interpreter', '#!/no/such/shell\n'), 'fails with ENOENT'],
    // The C library runs an unknown format with a shell.
    [brokenProgram('bytes', '\u007fELFbroken'), 'ends with'],
  ])('is logged: %s %s', async (command, problem) => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    expect(await probeVersion(sandbox, command)).toBeUndefined();
    expect(warn.mock.calls).toEqual([[expect.stringContaining(`ignored ${command}: --version ${problem}`)]]);
    warn.mockRestore();
  });
});

describe('parseVersion', () => {
  it('finds the version number within a text', () => {
    expect(parseVersion('2.1.330 (Claude Code)')).toBe('2.1.330');
    expect(parseVersion('codex-cli 0.170.0-alpha.1')).toBe('0.170.0-alpha.1');
  });
});

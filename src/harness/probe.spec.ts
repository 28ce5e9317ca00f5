import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../sandbox/local/run-program.js';
import { probeVersion, versionIn } from './probe.js';

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
  it('tells the version of a program', async () => {
    expect(await probeVersion(sandbox, program('codex', 'echo codex-cli 0.169.0'))).toBe('0.169.0');
  });

  it.each([
    ['is not there', join(folder, 'missing')],
    ['is no program', folder],
    ['fails', program('failing', 'echo 1.2.3; exit 1')],
    ['says no version', program('mute', 'echo hello')],
    ['is a relative path', './codex'],
  ])('tells nothing of one that %s', async (_, command) => {
    expect(await probeVersion(sandbox, command)).toBeUndefined();
  });
});

describe('a program that is there and cannot be used', () => {
  it.each([
    [program('failing-loudly', 'exit 3'), 'ends with 3'],
    [program('wordless', 'echo hello'), 'tells no version'],
    [brokenProgram('no-interpreter', '#!/no/such/shell\n'), 'fails with ENOENT'],
    // The C library gives what the system cannot run to a shell.
    [brokenProgram('bytes', '\u007fELFbroken'), 'ends with'],
  ])('is told of in the log: %s %s', async (command, words) => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    expect(await probeVersion(sandbox, command)).toBeUndefined();
    expect(warn.mock.calls).toEqual([[expect.stringContaining(`was found, and is not used: --version ${words}`)]]);
    warn.mockRestore();
  });
});

describe('versionIn', () => {
  it('finds the number among other words', () => {
    expect(versionIn('2.1.330 (Claude Code)')).toBe('2.1.330');
    expect(versionIn('codex-cli 0.170.0-alpha.1')).toBe('0.170.0-alpha.1');
  });
});

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, delimiter } from 'node:path';
import { parseVersion } from '../harness/probe.js';

/** The first start of a program of several hundred megabytes reads it from the disk. */
const VERSION_TIMEOUT_MS = 60_000;

/** Runs a program with `--version`, without the user's keys and configuration. Never rejects. */
export function readProgramVersion(file: string): Promise<{ readonly version: string } | { readonly problem: string }> {
  // Launchers of npm are scripts that look for Node.
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const options = { timeout: VERSION_TIMEOUT_MS, env: { PATH: path, HOME: tmpdir() } };
  return new Promise((resolve) => {
    execFile(file, ['--version'], options, (error, output) => {
      const version = error === null ? parseVersion(output) : undefined;
      if (version !== undefined) resolve({ version });
      else resolve({ problem: error === null ? 'prints no version.' : `failed: ${error.message.trim()}` });
    });
  });
}

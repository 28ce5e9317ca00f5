import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built program `chiron`. Run `npm run build` before. */
export const CHIRON = fileURLToPath(new URL('../../dist/cli/chiron.js', import.meta.url));

/** How a command ended. */
export interface Run {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `chiron` in a folder, with this environment and `PATH`, to its end. */
export function runChiron(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const env = { PATH: process.env['PATH'], HOME: cwd, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [CHIRON, ...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

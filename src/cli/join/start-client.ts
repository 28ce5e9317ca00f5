import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { ClientStart } from './shell-line.js';

/** The terminal sends these to the client, too, which decides what they mean. */
const SIGNALS = ['SIGINT', 'SIGQUIT'] as const;

/** Runs a client in this terminal to its end, and resolves with its exit code; that of a shell if a signal ended it. */
export async function startClient({ program, args, variables, unset }: ClientStart): Promise<number> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...variables };
  for (const name of unset) delete env[name];
  const ignore = (): void => undefined;
  for (const signal of SIGNALS) process.on(signal, ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(program, args, { env, stdio: 'inherit' });
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, ignore);
  }
}

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * Adds the variables of a file, if it exists; variables that are already set win. `process.loadEnvFile` would treat an unreadable
 * file as a missing one, and the server would start without its keys.
 *
 * @throws when the file exists but cannot be read.
 */
export function readEnvFile(file: string, variables: Record<string, string | undefined>): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT') return;
    throw new Error(`Chiron cannot read ${file} in the folder where it was started: ${error.message}`, {
      cause: error,
    });
  }
  // A byte order mark, which editors on Windows write, would become part of the first name.
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\uFEFF/, '')))) variables[name] ??= value;
}

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * Reads variables from a file, if there is one; those that are set already win. Not `process.loadEnvFile`, which takes a file that it
 * may not read for none: the server would start without its keys.
 *
 * @throws when the file is there but cannot be read.
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
  // A byte order mark, as editors on Windows write it, would become part of the first name.
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\uFEFF/, '')))) variables[name] ??= value;
}

import { readdirSync, readFileSync } from 'node:fs';
import type { ClientRequestBody } from '../../client-profile.js';

/** One request of Claude Code 2.1.330, see `README.md`. */
export interface Recording {
  readonly isSideRequest: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ClientRequestBody;
}

/** Names of all recordings. */
export const RECORDINGS: readonly string[] = readdirSync(import.meta.dirname).flatMap((file) =>
  file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : [],
);

/** Reads a recording. Throws if there is none with this name. */
export function recorded(name: string): Recording {
  const recording: Recording = JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
  return recording;
}

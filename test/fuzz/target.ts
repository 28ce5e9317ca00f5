import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawCase, type Surroundings } from './draw-case.js';
import type { ApiKey } from './generate/headers.js';
import type { Judged } from './judge.js';
import { Ledger } from './ledger.js';

/** A server that is called, and the account of what it was asked. */
export interface Target extends Judged {
  readonly port: number;
  readonly surroundings: Surroundings;
  readonly ledger: Ledger;
}

/** What a target is made of. */
export interface TargetWishes {
  readonly url: string;
  readonly seed: number;
  /** Tells the requests to one server from those to another. */
  readonly letter: string;
  readonly keys: readonly ApiKey[];
  readonly dataDirectory: string;
}

/** The keys of a server that has keys: of two tenants. */
export const KEYS: readonly ApiKey[] = [
  { tenant: 'alpha', key: 'sk-fuzz-alpha-4f1c9a-that-is-long-enough' },
  { tenant: 'beta', key: 'sk-fuzz-beta-77d20e-that-is-long-enough' },
];

/** A server to be called, of which nothing is known yet. */
export function newTarget({ url, seed, letter, keys, dataDirectory }: TargetWishes): Target {
  const ledger: Ledger = new Ledger((number) => drawCase(number, surroundings));
  const surroundings: Surroundings = {
    // Each server is asked other things.
    seed: seed + letter.charCodeAt(0),
    letter,
    keys,
    messageIds: ledger.messageIds,
    executions: ledger.executionsTold,
  };
  const secrets = [...keys.map(({ key }) => key), dataDirectory];
  return { port: Number(new URL(url).port), surroundings, ledger, secrets };
}

/**
 * Makes a folder with a `sh` that does nothing; to be the first one in the `PATH` of a server that is sent random prompts, as one
 * that begins with `!` is a command. Resolves with the folder.
 */
export async function harmlessShell(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'sh'), '#!/bin/sh\necho "a shell that does nothing"\n');
  await chmod(join(bin, 'sh'), 0o755);
  return bin;
}

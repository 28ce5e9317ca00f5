import { parseArgs } from 'node:util';

/** The options of a run. */
export interface FuzzOptions {
  /** Everything random is drawn from it. */
  readonly seed: number;
  /** How many requests, over all servers. */
  readonly requests: number;
  /** Only the request with this number, as a finding names it; `undefined` for all. */
  readonly only: number | undefined;
  /** A PostgreSQL database for the server with keys, which is to be empty; `undefined` for SQLite. */
  readonly databaseUrl: string | undefined;
}

const REQUESTS = 20_000;

/** Parses the command line. Throws for an unknown option or an invalid number. */
export function readOptions(args: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      requests: { type: 'string' },
      only: { type: 'string' },
      'database-url': { type: 'string' },
    },
  });
  return {
    seed: numberOf('--seed', values.seed) ?? Math.floor(Math.random() * 2 ** 31),
    requests: numberOf('--requests', values.requests) ?? REQUESTS,
    only: numberOf('--only', values.only),
    databaseUrl: values['database-url'],
  };
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`${name} takes a whole number, not ${text}`);
  return Number(text);
}

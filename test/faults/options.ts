import { parseArgs } from 'node:util';

/** What a run of the suite was asked for. */
export interface FaultOptions {
  /** Everything random is drawn from it. */
  readonly seed: number;
  /** How many random kill points. */
  readonly kills: number;
  /** Only the kill point with this number, as a failure names it; `undefined` for all. */
  readonly only: number | undefined;
  /** Only the named faults whose title holds this text, and no kill points; `undefined` for all. */
  readonly named: string | undefined;
  /** Only the kill points. */
  readonly random: boolean;
  /** The kill points on two servers of one PostgreSQL, whose threads' files are shared; no named faults. */
  readonly isPair: boolean;
  /** The servers have several tenants, each with a policy, and the threads belong to them. */
  readonly hasTenants: boolean;
  /** The servers keep spare processes of their agents. */
  readonly hasSpares: boolean;
  /** The kill points are of an agent of the Agent Client Protocol, and there are no named faults. */
  readonly isAcp: boolean;
}

const KILLS = 40;
const KILLS_WHEN_FULL = 200;

/** Reads the command line. Throws for an unknown option, or a number that is none. */
export function readOptions(args: readonly string[]): FaultOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      seed: { type: 'string' },
      kills: { type: 'string' },
      only: { type: 'string' },
      named: { type: 'string' },
      random: { type: 'boolean', default: false },
      pair: { type: 'boolean', default: false },
      tenants: { type: 'boolean', default: false },
      spares: { type: 'boolean', default: false },
      acp: { type: 'boolean', default: false },
    },
  });
  return {
    seed: numberOf('--seed', values.seed) ?? Math.floor(Math.random() * 2 ** 31),
    kills: numberOf('--kills', values.kills) ?? (values.full ? KILLS_WHEN_FULL : KILLS),
    only: numberOf('--only', values.only),
    named: values.named,
    random: values.random,
    isPair: values.pair,
    hasTenants: values.tenants,
    hasSpares: values.spares,
    isAcp: values.acp,
  };
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`${name} takes a whole number, not ${text}`);
  return Number(text);
}

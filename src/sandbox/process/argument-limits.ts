import { readFileSync } from 'node:fs';

/** Longest argument or variable (`NAME=value`) of a program, in bytes without its NUL: Linux' MAX_ARG_STRLEN, 32 pages. */
export const MAX_ARGUMENT_BYTES = 131_071;

/** What every string costs besides its bytes: its NUL and the pointer to it. */
const STRING_COST = 9;

/** Room for all strings together where Linux does not tell: macOS has 1 MiB. */
const DEFAULT_TOTAL_BYTES = 1_048_576;

/** Linux gives a quarter of the stack, but at least 32 pages and at most three quarters of 8 MiB (execve(2)). */
const LEAST_TOTAL_BYTES = 131_072;
const MOST_TOTAL_BYTES = 6_291_456;

/** Variables that fit, and the names of those that had to be shortened. */
export interface FittingVariables {
  readonly variables: Readonly<Record<string, string>>;
  readonly shortened: readonly string[];
}

/**
 * Shortens variables, each between two characters, until the system can start a program with them: each one by itself, and all of
 * them in `room` bytes, the longest first. Without this a long text of a caller would keep its thread's program from starting, in
 * every turn.
 */
export function shortenVariables(variables: Readonly<Record<string, string>>, room: number): FittingVariables {
  const fitting = new Map<string, string>();
  const shortened = new Set<string>();
  const shorten = (name: string, value: string, bytes: number): void => {
    const kept = beginning(value, bytes - Buffer.byteLength(name) - 1);
    if (kept !== value) shortened.add(name);
    fitting.set(name, kept);
  };
  for (const [name, value] of Object.entries(variables)) {
    shorten(name, value, MAX_ARGUMENT_BYTES);
  }
  const costs = new Map([...fitting].map(([name, value]) => [name, stringCost(`${name}=${value}`)]));
  let excess = sum(costs.values()) - room;
  for (const [name, cost] of [...costs].toSorted(([, a], [, b]) => b - a)) {
    if (excess <= 0) break;
    shorten(name, fitting.get(name) ?? '', cost - STRING_COST - excess);
    excess -= cost - stringCost(`${name}=${fitting.get(name) ?? ''}`);
  }
  return { variables: Object.fromEntries(fitting), shortened: [...shortened] };
}

/** What these strings take of the room for arguments and variables, in bytes. */
export function measureArguments(strings: readonly string[]): number {
  return sum(strings.map(stringCost));
}

/**
 * The room for a program's arguments and variables together, in bytes: half of what the system allows, as the programs that an agent
 * starts inherit the variables and need room for arguments of their own.
 */
export function computeArgumentRoom(limits: string | undefined = ownLimits()): number {
  if (limits === undefined) return DEFAULT_TOTAL_BYTES / 2;
  const stack = /^Max stack size\s+(\S+)/m.exec(limits)?.[1];
  const quarter = stack === undefined || stack === 'unlimited' ? MOST_TOTAL_BYTES : Number(stack) / 4;
  return Math.min(MOST_TOTAL_BYTES, Math.max(LEAST_TOTAL_BYTES, quarter)) / 2;
}

function ownLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // No Linux, or no /proc: the default is safe.
    return undefined;
  }
}

/** The beginning of a text in at most so many bytes of UTF-8, without half a character at its end. */
function beginning(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const whole = Buffer.from(text);
  let end = Math.max(0, bytes);
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return whole.subarray(0, end).toString('utf8');
}

function stringCost(text: string): number {
  return Buffer.byteLength(text) + STRING_COST;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

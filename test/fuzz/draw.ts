import { type Random, randomOf } from '../faults/random.js';

export type { Random };

/** The random numbers of one request of a run: always the same of the same seed, whatever order requests are drawn in. */
export function randomOfRequest(seed: number, number: number): Random {
  return randomOf(Math.imul(seed ^ Math.imul(number + 1, 0x9e3779b1), 0x85ebca6b));
}

/** True as often as `share` (0 to 1) says. */
export function chance(random: Random, share: number): boolean {
  return random.next() < share;
}

/** A whole number from 0 up to but not including `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

/** What `make` gives, `count` times. */
export function many<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** The field, as often as `share` says; to be spread into an object. */
export function maybe<T>(random: Random, share: number, make: () => T): Partial<T> {
  return chance(random, share) ? make() : {};
}

/** One of the choices, each as often as its weight among all weights. Throws for an empty list. */
export function weighted<T>(random: Random, choices: readonly (readonly [weight: number, choice: T])[]): T {
  let left = random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  return random.pick(choices)[1];
}

/** Bytes that mean nothing. */
export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = below(random, 256);
  return bytes;
}

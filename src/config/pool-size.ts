import type { Parsed } from './setting.js';

const MAX_POOL_SIZE = 100;

/** Parses `CHIRON_POOL_SIZE`: a number of processes, or `auto`. */
export function parsePoolSize(text: string | undefined): Parsed<number | 'auto'> {
  if (text === 'auto') return { value: 'auto' };
  const size = /^\d+$/.test(text ?? '') ? Number(text) : NaN;
  return size <= MAX_POOL_SIZE ? { value: size } : { expected: `must be auto, or a number up to ${MAX_POOL_SIZE}` };
}

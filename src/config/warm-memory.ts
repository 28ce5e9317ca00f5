import type { Parsed } from './setting.js';

const MAX_MEGABYTES = 10_000_000;

/** Parses `CHIRON_WARM_MEMORY_MB` to bytes, or `auto`. */
export function parseWarmMemory(text: string | undefined): Parsed<number | 'auto'> {
  if (text === 'auto') return { value: 'auto' };
  const megabytes = /^\d+$/.test(text ?? '') ? Number(text) : NaN;
  if (megabytes >= 1 && megabytes <= MAX_MEGABYTES) return { value: megabytes * 1_000_000 };
  return { expected: `must be auto, or a number of megabytes from 1 to ${MAX_MEGABYTES}` };
}

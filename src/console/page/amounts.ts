import type { Billed } from './api-types.js';

/** Tokens of all kinds. */
export function countTokens(billed: Billed): number {
  return billed.input_tokens + billed.output_tokens + billed.cache_read_tokens + billed.cache_creation_tokens;
}

/** US dollars; amounts below a cent to the millionth, as the server counts. */
export function toDollars(amount: number): string {
  const maximumFractionDigits = amount < 0.01 ? 6 : 4;
  return amount.toLocaleString('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits });
}

/** How long something took, in two units at most: `350 ms`, `2.5 s`, `3 min 5 s`, `2 h 3 min`. */
export function toDurationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

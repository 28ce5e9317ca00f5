import type { Parsed } from './setting.js';

/** Origins whose web pages may call; `*` for all. */
export type CorsOrigins = readonly string[] | '*';

/** An origin of any scheme, because extensions and desktop programs have their own. A trailing slash is accepted. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/(?:[^\s/,:@*[\]]+|\[[\da-f:.]+\])(?::\d+)?\/?$/i;

/** Parses `*` or a comma-separated list of origins, and normalizes them as browsers do: lower case, no default port. */
export function parseCorsOrigins(text: string | undefined): Parsed<CorsOrigins> {
  const entries = text?.split(',').map((entry) => entry.trim()) ?? [];
  if (text?.trim() === '*') return { value: '*' };
  if (!entries.every((entry) => ORIGIN.test(entry))) {
    return { expected: 'must be * or a comma-separated list of origins, such as https://app.example' };
  }
  return { value: entries.map(toBrowserSpelling) };
}

/** Whether pages of this `Origin` may call. */
export function isAllowedOrigin(origin: string, allowed: CorsOrigins): boolean {
  return allowed === '*' || allowed.includes(origin);
}

function toBrowserSpelling(origin: string): string {
  return origin
    .toLowerCase()
    .replace(/\/$/, '')
    .replace(/^(http:.*):80$/, '$1')
    .replace(/^(https:.*):443$/, '$1');
}

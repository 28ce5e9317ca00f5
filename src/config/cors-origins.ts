import type { Parsed } from './setting.js';

/** Whose web pages may call: these origins, or everybody's. */
export type CorsOrigins = readonly string[] | '*';

/** An origin as browsers send it, of whatever scheme: extensions and desktop programs have their own. A slash at its end is let pass. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/(?:[^\s/,:@*[\]]+|\[[\da-f:.]+\])(?::\d+)?\/?$/i;

/** The origins in a comma-separated list, or `*`; spelled as browsers spell them: in lower case, without the port that goes without saying. */
export function parseCorsOrigins(text: string | undefined): Parsed<CorsOrigins> {
  const entries = text?.split(',').map((entry) => entry.trim()) ?? [];
  if (text?.trim() === '*') return { value: '*' };
  if (!entries.every((entry) => ORIGIN.test(entry))) {
    return { expected: 'must be * or a comma-separated list of origins, such as https://app.example' };
  }
  return { value: entries.map(toBrowserSpelling) };
}

/** Whether the page that a request's `Origin` names may call. */
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

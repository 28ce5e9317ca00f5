/** Whose web pages may call: these origins, or everybody's. */
export type CorsOrigins = readonly string[] | '*';

/** An origin as browsers send it, of whatever scheme: extensions and desktop programs have their own. A slash at its end is let pass. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/(?:[^\s/,:@*[\]]+|\[[\da-f:.]+\])(?::\d+)?\/?$/i;

/** Whether a text is `*` or a comma-separated list of origins. */
export function isOriginList(text: string): boolean {
  return text.trim() === '*' || text.split(',').every((entry) => ORIGIN.test(entry.trim()));
}

/** The origins in such a text, spelled as browsers spell them: in lower case, without the port that goes without saying. */
export function parseOrigins(text: string | undefined): CorsOrigins {
  if (text?.trim() === '*') return '*';
  return (text?.split(',') ?? []).map((entry) =>
    entry
      .trim()
      .toLowerCase()
      .replace(/\/$/, '')
      .replace(/^(http:.*):80$/, '$1')
      .replace(/^(https:.*):443$/, '$1'),
  );
}

/** Whether the page that a request's `Origin` names may call. */
export function isAllowedOrigin(origin: string, allowed: CorsOrigins): boolean {
  return allowed === '*' || allowed.includes(origin);
}

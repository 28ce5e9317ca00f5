import type { Parsed } from './setting.js';

/** As for API keys. */
const MIN_SECRET_CHARS = 24;

/** Parses the URL of a server, `http` or `https` without a path. */
export function parseServerUrl(text: string | undefined): Parsed<string | undefined> {
  if (text === undefined) return { value: undefined };
  const url = URL.parse(text);
  const isServer =
    url !== null && ['http:', 'https:'].includes(url.protocol) && url.pathname === '/' && url.search === '';
  return isServer && url.username === ''
    ? { value: url.origin }
    : { expected: 'must be the URL of a server: http(s)://host:port' };
}

/** Parses comma-separated secrets. Servers send the first one and accept all, so that one can be replaced without a stop. */
export function parseClusterSecrets(text: string | undefined): Parsed<readonly string[]> {
  const secrets = (text ?? '').split(',').flatMap((secret) => secret.trim() || []);
  return secrets.every((secret) => secret.length >= MIN_SECRET_CHARS)
    ? { value: secrets }
    : { expected: `must be comma-separated secrets of at least ${MIN_SECRET_CHARS} characters` };
}

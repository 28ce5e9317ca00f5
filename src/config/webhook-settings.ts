import type { Parsed } from './setting.js';

/** What an address of webhooks has to be. */
export const WEBHOOK_URL_RULE = 'must be an http:// or https:// URL without a user name, a password or a fragment';

/** Longest address of webhooks. */
export const MAX_WEBHOOK_URL_LENGTH = 2000;

/** Standard Webhooks 1.0: 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** Whether webhooks can be sent to this address. */
export function isWebhookUrl(text: string): boolean {
  const url = text.length <= MAX_WEBHOOK_URL_LENGTH ? URL.parse(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.hash === '';
}

/** Parses the address of the deployment's webhook; absent for none. */
export function parseWebhookUrl(text: string | undefined): Parsed<string | undefined> {
  return text === undefined || isWebhookUrl(text) ? { value: text } : { expected: WEBHOOK_URL_RULE };
}

/** Parses the secret that signs them. */
export function parseWebhookSecret(text: string | undefined): Parsed<string | undefined> {
  if (text === undefined) return { value: undefined };
  const [, encoded = ''] = /^whsec_([\d+/A-Za-z]+={0,2})$/.exec(text) ?? [];
  const { length } = Buffer.from(encoded, 'base64');
  return length >= MIN_SECRET_BYTES && length <= MAX_SECRET_BYTES
    ? { value: text }
    : { expected: `must be whsec_ and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in base64` };
}

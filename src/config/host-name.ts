// Imports nothing: the broker's process runs it as well.
/**
 * The one spelling of a host: lower case, IDNA, without brackets and final dot; IPv4 addresses in four numbers however they are
 * written (`127.1`, `0x7f000001`). `undefined` for what is no host. The rules are those of the URL standard.
 */
export function normalizeHost(text: string): string | undefined {
  if (text === '' || /[\s/\\?#@%]/.test(text)) return undefined;
  const bare = text.startsWith('[') ? text.slice(1, text.endsWith(']') ? -1 : undefined) : text;
  const url = `http://${bare.includes(':') ? `[${bare}]` : bare}/`;
  if (!URL.canParse(url)) return undefined;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return host === '' ? undefined : host;
}

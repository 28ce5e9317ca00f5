/** Maximum length of a thread key, in bytes of UTF-8. */
const MAX_BYTES = 512;

/**
 * Returns the problem of a thread key; `undefined` for a valid one. The checks, their order and their texts are those of
 * centaur's session control plane, so that its clients get the errors they expect.
 */
export function findThreadKeyProblem(key: string): string | undefined {
  if (key === '') return 'thread_key is required';
  if (Buffer.byteLength(key) > MAX_BYTES) return `thread_key must be at most ${MAX_BYTES} bytes`;
  if (key.startsWith('{') || key.startsWith('[')) return 'thread_key must not be raw JSON';
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what this looks for
  if (/[\u0000-\u001f\u007f]/.test(key)) return 'thread_key must not contain ASCII control characters';
  const colon = key.indexOf(':');
  if (colon <= 0 || colon === key.length - 1) return "thread_key must be namespaced as '<source>:<id>'";
  return undefined;
}

/** What `@anthropic-ai/sdk` exports, by 1.12.0's types. What is used here of 0.137.0 is the same. */
export type Sdk = typeof import('sdk-1');

/** The packages' names in this folder, with their versions: the two dialects of the API that are live. */
export const SDKS = [
  { packageName: 'sdk-1', version: '1.12.0' },
  { packageName: 'sdk-0', version: '0.137.0' },
] as const;

/** Loads one of them. */
export async function loadSdk(packageName: (typeof SDKS)[number]['packageName']): Promise<Sdk> {
  const sdk: Sdk = await import(packageName);
  return sdk;
}

/** A `fetch` that keeps the requests it was given, to count attempts and to see what really is sent. */
export function recordingFetch() {
  const requests: Request[] = [];
  const fetchAndRecord = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    requests.push(new Request(input, { ...init, body: null, signal: null }));
    return fetch(input, init);
  };
  return { requests, fetch: fetchAndRecord };
}

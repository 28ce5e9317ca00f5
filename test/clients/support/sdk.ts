import { isRecord, type JsonRecord, textOf } from './json.js';

/** What `@anthropic-ai/sdk` exports, by 1.12.0's types. What is used here of the older ones is the same, unless a test says so. */
export type Sdk = typeof import('sdk-1');

/** An SDK's client. */
export type SdkClient = InstanceType<Sdk['Anthropic']>;

/** The packages' names in this folder, with their versions: the two dialects of the API that are live, and one of 2025. */
export const SDKS = [
  { packageName: 'sdk-1', version: '1.12.0' },
  { packageName: 'sdk-0', version: '0.137.0' },
  { packageName: 'sdk-065', version: '0.65.0' },
] as const;

/** The name of one of them. */
export type SdkPackage = (typeof SDKS)[number]['packageName'];

/** Loads one of them. */
export async function loadSdk(packageName: SdkPackage): Promise<Sdk> {
  const sdk: Sdk = await import(packageName);
  return sdk;
}

/** The model of these tests: a name that the SDKs do not treat as an old model. */
export const MODEL = 'claude-opus-5-5';

/** A request with one user message. */
export function asking(content: string) {
  return { model: MODEL, max_tokens: 1000, messages: [{ role: 'user' as const, content }] };
}

/** The texts of a message, joined. */
export function said(message: {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}): string {
  return message.content.map(({ text }) => text ?? '').join('');
}

/** A `fetch` that records its requests, to count attempts and inspect what was sent. */
export function recordingFetch() {
  const requests: Request[] = [];
  const fetchAndRecord = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    requests.push(new Request(input, { ...init, body: null, signal: null }));
    return fetch(input, init);
  };
  return { requests, fetch: fetchAndRecord };
}

/** What a promise rejects with. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Fields of an SDK's error; `type` is read from the body, because 0.65.0 has it only there. */
export function told(error: unknown) {
  if (!isRecord(error)) throw new Error(`not an error of an SDK: ${String(error)}`);
  const body: JsonRecord = isRecord(error['error']) ? error['error'] : {};
  const { type, message } = isRecord(body['error']) ? body['error'] : {};
  return {
    status: error['status'],
    type: textOf(type),
    message: textOf(message),
    requestId: textOf(error['requestID']),
    bodyRequestId: textOf(body['request_id']),
  };
}

import { readFileSync } from 'node:fs';
import type { ResponsesCall } from '../clients/responses-client.js';
import { parseCreateResponse } from '../request/create-response.dto.js';

interface Recording {
  readonly note: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** The recorded requests of a file to `POST /v1/responses`, in order. Long texts are cut in them. */
export function readRecordedCalls(name: string): readonly (ResponsesCall & { readonly note: string })[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, import.meta.url), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line): Recording => JSON.parse(line, (_, value: unknown) => (typeof value === 'string' ? closeTag(value) : value)))
    .filter(({ method, url }) => method === 'POST' && url === '/v1/responses')
    .map(({ note, headers, body }) => ({
      note,
      header: (header: string) => headers[header],
      body: parseCreateResponse(body),
    }));
}

/** A text that was cut has lost the tag that ends it. */
function closeTag(text: string): string {
  const tag = /^<(\w+)>[\s\S]*\[\d+ characters\]$/.exec(text)?.[1];
  return tag === undefined ? text : `${text}</${tag}>`;
}

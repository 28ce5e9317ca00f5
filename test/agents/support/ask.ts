import type { Rig } from '../../clients/support/rig.js';
import { isRecord, type JsonRecord, recordsOf, textOf } from '../../clients/support/json.js';
import { SseClient } from '../../support/sse-client.js';

/** What a caller of the Messages API gets. */
export interface Answered {
  readonly status: number;
  /** The content blocks of the message; none of an error. */
  readonly blocks: readonly JsonRecord[];
  /** Its texts, one after the other. */
  readonly text: string;
  readonly stopReason: string;
  readonly usage: JsonRecord;
  /** The type of the error; empty for a message. */
  readonly errorType: string;
  /** The whole body. */
  readonly body: JsonRecord;
}

/** Asks the agent of a rig, in a thread; `more` is added to the request, and `headers` to its headers. */
export async function askAgent(
  { server }: Pick<Rig, 'server'>,
  thread: string,
  content: string | readonly object[],
  more: JsonRecord = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': `agents:${thread}`, ...headers },
    body: JSON.stringify(requestOf(content, more)),
  });
  const body: unknown = await response.json();
  if (!isRecord(body)) throw new Error(`no JSON object: ${String(body)}`);
  const blocks = recordsOf(body['content']);
  return {
    status: response.status,
    blocks,
    text: textsOfBlocks(blocks),
    stopReason: textOf(body['stop_reason']),
    usage: isRecord(body['usage']) ? body['usage'] : {},
    errorType: isRecord(body['error']) ? textOf(body['error']['type']) : '',
    body,
  };
}

/** The same, streamed. */
export function streamAgent({ server }: Pick<Rig, 'server'>, thread: string, content: string): SseClient {
  const headers = { 'x-chiron-thread-key': `agents:${thread}` };
  return SseClient.post(server.url, { ...requestOf(content, {}), stream: true }, headers);
}

/** The texts of content blocks, joined. */
export function textsOfBlocks(blocks: readonly JsonRecord[]): string {
  return blocks
    .filter(({ type }) => type === 'text')
    .map(({ text }) => textOf(text))
    .join('');
}

/** What the agent's tools gave back, joined. */
export function outputsOf(blocks: readonly JsonRecord[]): string {
  return blocks
    .filter(({ type }) => type === 'mcp_tool_result')
    .flatMap(({ content }) => recordsOf(content))
    .map(({ text }) => textOf(text))
    .join('\n');
}

/** The bodies of all that the model was asked since there were so many requests. */
export function askedSince({ model }: Pick<Rig, 'model'>, count: number): string {
  return JSON.stringify(model.requests.slice(count).map(({ body }) => body));
}

function requestOf(content: string | readonly object[], more: JsonRecord): JsonRecord {
  return { model: 'default', max_tokens: 1000, messages: [{ role: 'user', content }], ...more };
}

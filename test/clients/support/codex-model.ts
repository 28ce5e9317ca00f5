import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { type JsonRecord, recordsOf, textOf } from './json.js';

/** One piece of what the model says. */
export type Spoken =
  | { readonly text: string }
  /** A call of a tool of the caller. */
  | { readonly caller: string; readonly id: string; readonly input: JsonRecord }
  /** A call of a tool of an MCP server. */
  | { readonly mcp: string; readonly tool: string; readonly id: string }
  /** A call of Codex's own shell. */
  | { readonly shell: string; readonly id: string }
  /** Nothing for so many milliseconds. */
  | { readonly pauseMs: number };

/** What the model answers to one request; `fail` refuses it with 500. */
export type Message = readonly Spoken[] | 'fail';

/** A model of the Responses API that says what a test tells it to, and keeps what it was sent. */
export interface CodexModel {
  readonly url: string;
  /** The bodies of its requests. */
  readonly bodies: readonly JsonRecord[];
  /** What it says next, one list for each request; after the last one it says `Done.` */
  says(...messages: readonly Message[]): void;
  /** Resolves when it has got so many requests. */
  requested(count: number): Promise<void>;
  close(): Promise<void>;
}

const USAGE = {
  input_tokens: 400,
  input_tokens_details: { cached_tokens: 300 },
  output_tokens: 25,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 425,
};

/** Starts a model on a loopback port. */
export async function startCodexModel(): Promise<CodexModel> {
  const bodies: JsonRecord[] = [];
  const messages: Message[] = [];
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(404).end('{}');
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: JsonRecord = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      bodies.push(body);
      const message = messages.shift() ?? [{ text: 'Done.' }];
      if (message === 'fail') {
        response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"scripted"}}');
        return;
      }
      say(response, bodies.length, message).catch((error: unknown) => response.destroy(error as Error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    says: (...more) => messages.push(...more),
    requested: async (count) => {
      await eventually(() => bodies.length).toBeGreaterThanOrEqual(count);
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function say(response: ServerResponse, call: number, message: readonly Spoken[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (type: string, fields: JsonRecord): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  };
  send('response.created', { response: { id: `resp_${call}`, status: 'in_progress', output: [] } });
  for (const [index, spoken] of message.entries()) {
    if ('pauseMs' in spoken) {
      await delay(spoken.pauseMs);
      continue;
    }
    const item = toItem(spoken, `${call}_${index}`);
    send('response.output_item.added', { output_index: index, item: { ...item, content: [], arguments: '' } });
    if ('text' in spoken) {
      const place = { item_id: item['id'], output_index: index, content_index: 0 };
      send('response.output_text.delta', { ...place, delta: spoken.text });
    }
    send('response.output_item.done', { output_index: index, item });
  }
  send('response.completed', { response: { id: `resp_${call}`, status: 'completed', output: [], usage: USAGE } });
  response.end();
}

function toItem(spoken: Exclude<Spoken, { readonly pauseMs: number }>, id: string): JsonRecord {
  if ('text' in spoken) {
    const content = [{ type: 'output_text', text: spoken.text, annotations: [] }];
    return { type: 'message', id: `msg_${id}`, role: 'assistant', content };
  }
  const call = { type: 'function_call', id: `fc_${id}`, call_id: spoken.id };
  if ('shell' in spoken) return { ...call, name: 'exec_command', arguments: JSON.stringify({ cmd: spoken.shell }) };
  if ('mcp' in spoken) return { ...call, name: spoken.tool, namespace: `mcp__${spoken.mcp}`, arguments: '{}' };
  return { ...call, name: spoken.caller, namespace: 'caller', arguments: JSON.stringify(spoken.input) };
}

/** What the model was sent of the conversation, in short: without Codex's own context, one line for each item. */
export function conversationOf(body: JsonRecord | undefined): readonly string[] {
  return recordsOf(body?.['input']).flatMap((item) => {
    switch (item['type']) {
      case 'message': {
        const text = partsOf(item['content']);
        const isOurs = item['role'] !== 'developer' && !text.startsWith('<environment_context>');
        return isOurs ? [`${textOf(item['role'])}: ${text}`] : [];
      }
      case 'function_call':
        return [`call ${textOf(item['call_id'])}: ${textOf(item['name'])} ${textOf(item['arguments'])}`];
      case 'function_call_output':
        return [`output ${textOf(item['call_id'])}: ${outputOf(item['output'])}`];
      default:
        return [];
    }
  });
}

/** What the shell of Codex printed, without what Codex says of the run. */
function outputOf(output: unknown): string {
  const text = typeof output === 'string' ? output : partsOf(output);
  return /Output:\n([\s\S]*)$/.exec(text)?.[1]?.trim() ?? text.trim();
}

function partsOf(content: unknown): string {
  return recordsOf(content)
    .map((part) => textOf(part['text']) || `[${textOf(part['image_url']).slice(0, 22)}]`)
    .join(' | ');
}

/** The names of the tools of the caller that the model was offered. */
export function callerToolsOf(body: JsonRecord | undefined): readonly string[] {
  return toolsInNamespace(body, 'caller');
}

/** The names of the tools of a namespace that the model was offered. */
export function toolsInNamespace(body: JsonRecord | undefined, name: string): readonly string[] {
  // Newer models get their tools as an item.
  const additional = recordsOf(body?.['input']).flatMap((item) => recordsOf(item['tools']));
  const namespace = [...recordsOf(body?.['tools']), ...additional].find((tool) => tool['name'] === name);
  return recordsOf(namespace?.['tools']).map((tool) => textOf(tool['name']));
}

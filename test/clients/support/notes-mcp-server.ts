import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isRecord, type JsonRecord, textOf } from './json.js';

/** An MCP server over streamable HTTP with two tools, `read` and `write`, that return their own name. */
export interface NotesServer {
  readonly url: string;
  /** What it was asked for: the method, and the `authorization` of the request. */
  readonly requests: readonly { readonly method: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

/** Starts it; each answer takes so long. */
export async function startNotesServer(answerMs = 0): Promise<NotesServer> {
  const requests: { readonly method: string; readonly authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: JsonRecord = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      requests.push({ method: textOf(body['method']), authorization: request.headers.authorization });
      void delay(answerMs).then(() => {
        if (body['id'] === undefined) return response.writeHead(202).end();
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(JSON.stringify({ jsonrpc: '2.0', id: body['id'], result: resultFor(body) }));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function resultFor({ method, params }: JsonRecord): JsonRecord {
  const fields = isRecord(params) ? params : {};
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'notes', version: '1' };
      return { protocolVersion: fields['protocolVersion'], capabilities: { tools: {} }, serverInfo };
    }
    case 'tools/list':
      return { tools: ['read', 'write'].map((name) => ({ name, inputSchema: { type: 'object' } })) };
    case 'tools/call':
      return { content: [{ type: 'text', text: textOf(fields['name']) }] };
    default:
      return {};
  }
}

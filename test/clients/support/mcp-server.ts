import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { isRecord, type JsonRecord } from './json.js';

/** An MCP server over HTTP whose tools return their own name. */
export interface TestMcpServer {
  readonly url: string;
  /** The headers of each request. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** The tools that were called, in order. */
  readonly calls: readonly unknown[];
  close(): Promise<void>;
}

/** Starts an MCP server with tools of these names. */
export async function startMcpServer(tools: readonly string[]): Promise<TestMcpServer> {
  const headers: IncomingHttpHeaders[] = [];
  const calls: unknown[] = [];

  function answer(method: unknown, params: JsonRecord): JsonRecord {
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: params['protocolVersion'],
          capabilities: { tools: {} },
          serverInfo: { name: 'test', version: '1' },
        };
      case 'tools/list':
        return { tools: tools.map((name) => ({ name, description: name, inputSchema: { type: 'object' } })) };
      case 'tools/call':
        calls.push(params['name']);
        return { content: [{ type: 'text', text: `${String(params['name'])} was here` }] };
      default:
        return {};
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    headers.push(request.headers);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const message: unknown = request.method === 'POST' ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined;
    if (!isRecord(message) || message['id'] === undefined) {
      response.writeHead(message === undefined ? 405 : 202).end();
      return;
    }
    const result = answer(message['method'], isRecord(message['params']) ? message['params'] : {});
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message['id'], result }));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy(new Error('the MCP server failed')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the MCP server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    headers,
    calls,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRecord, type JsonRecord } from './anthropic-answer.js';
import type { RecordedRequest, ScriptedModel } from './scene.js';

/** A request to a scripted model. */
export interface ModelCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Empty for a request without one. */
  readonly body: JsonRecord;
  readonly headers: RecordedRequest['headers'];
}

/** Answers a request; `record` keeps it for the tests. What it rejects with cuts the connection. */
export type ModelHandler = (
  call: ModelCall,
  response: ServerResponse,
  record: (request: RecordedRequest) => void,
) => Promise<void>;

/** Starts a model on a loopback port. `close` drops the connections that are open, hanging ones too. */
export async function startModelServer(handle: ModelHandler): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://model');
    const { method = 'GET', headers } = request;
    const body = await readJson(request);
    await handle({ method, path: pathname, query: searchParams, body, headers }, response, (made) =>
      requests.push(made),
    );
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: JsonRecord): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<JsonRecord> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const body: unknown = text === '' ? {} : JSON.parse(text);
  return isRecord(body) ? body : {};
}

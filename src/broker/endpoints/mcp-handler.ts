import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject, parseObject } from '../../domain/json.js';
import type { JsonObject } from '../../domain/harness-event.js';
import type { EndpointHandler } from './agent-endpoints.js';

/** An MCP server, whatever carries its messages. */
export interface McpMessageServer {
  /** Answers one JSON-RPC message: a request with its response, a notification with anything. */
  answer(message: JsonObject): Promise<JsonObject>;
}

/** Longer inputs of a tool than this are no use to a caller. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Node's own `fetch`, which some agents use, gives up an answer that is silent for five minutes. */
const PING_MS = 30_000;

/**
 * Serves an MCP server over Streamable HTTP (MCP 2025-06-18) without sessions: each message is a `POST`. A call of a tool is answered with a stream,
 * whose headers go out at once, as its result may take as long as a person does; anything else with JSON. An agent that leaves a call has given it up.
 */
export function toMcpHandler(server: McpMessageServer): EndpointHandler {
  const requests = new OpenRequests();
  return (request, response) => {
    if (request.method !== 'POST') {
      request.resume();
      response.writeHead(405, { allow: 'POST' }).end();
      return;
    }
    readMessage(request)
      .then((message) => {
        if (message === undefined) response.writeHead(400).end();
        else return reply(server, requests, message, response);
      })
      // The agent has gone in the middle of its request, or the server is closing: nobody waits for an answer.
      .catch(() => response.destroy());
  };
}

async function reply(
  server: McpMessageServer,
  requests: OpenRequests,
  message: JsonObject,
  response: ServerResponse,
): Promise<void> {
  const { id, method } = message;
  if (typeof id !== 'string' && typeof id !== 'number') {
    await server.answer(requests.translate(message));
    response.writeHead(202).end();
    return;
  }
  const ownId = requests.open(id);
  const isCall = method === 'tools/call';
  let timer: NodeJS.Timeout | undefined;
  if (isCall) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).flushHeaders();
    timer = setInterval(() => response.write(': ping\n\n'), PING_MS).unref();
  }
  response.once('close', () => {
    clearInterval(timer);
    requests.close(id, ownId);
    if (!response.writableFinished) void server.answer(toCancellation(ownId));
  });
  const answer = JSON.stringify({ ...(await server.answer({ ...message, id: ownId })), id });
  if (isCall) response.end(`event: message\ndata: ${answer}\n\n`);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
}

/** Gives each request an id of our own: two connections of an agent may use the same. */
class OpenRequests {
  readonly #ids = new Map<string | number, number>();
  #last = 0;

  open(id: string | number): number {
    this.#last += 1;
    this.#ids.set(id, this.#last);
    return this.#last;
  }

  close(id: string | number, ownId: number): void {
    if (this.#ids.get(id) === ownId) this.#ids.delete(id);
  }

  /** A notification that a request is given up names it by the agent's id. */
  translate(message: JsonObject): JsonObject {
    if (message['method'] !== 'notifications/cancelled' || !isJsonObject(message['params'])) return message;
    const { requestId } = message['params'];
    const ownId = typeof requestId === 'string' || typeof requestId === 'number' ? this.#ids.get(requestId) : undefined;
    return ownId === undefined ? message : { ...message, params: { ...message['params'], requestId: ownId } };
  }
}

function toCancellation(requestId: number): JsonObject {
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } };
}

/** The JSON-RPC message of a request; `undefined` if it is none, or too long. */
async function readMessage(request: IncomingMessage): Promise<JsonObject | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The rest is read all the same, so that the agent gets the refusal.
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length > MAX_BODY_BYTES ? undefined : parseObject(Buffer.concat(chunks).toString('utf8'));
}

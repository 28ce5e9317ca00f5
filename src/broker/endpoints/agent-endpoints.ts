import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ENDPOINT_PREFIX, THREAD_HEADER } from '../protocol.js';

/** Answers a request that an agent sends to the server. It must not throw. */
export type EndpointHandler = (request: IncomingMessage, response: ServerResponse) => void;

interface Endpoint {
  readonly threadId: string;
  readonly handler: EndpointHandler;
}

/**
 * What agents may ask of this process, such as an MCP server with the tools of their caller. It listens on loopback, from the first endpoint on. Agents in a sandbox
 * come by the broker. The path of an endpoint is a secret of its thread.
 */
export class AgentEndpoints {
  readonly #endpoints = new Map<string, Endpoint>();
  #server: Promise<Server> | undefined;

  /** The port. Rejects if there is none to listen on. */
  async listen(): Promise<number> {
    this.#server ??= new Promise((resolve, reject) => {
      const server = createServer((request, response) => this.#serve(request, response));
      // A call of a tool takes as long as its caller does.
      server.requestTimeout = 0;
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: 0 }, () => resolve(server));
      // It is no reason for the process to stay.
      server.unref();
    });
    return ((await this.#server).address() as AddressInfo).port;
  }

  /** Serves an endpoint for the programs of a thread. Returns its path. */
  add(threadId: string, handler: EndpointHandler): string {
    const path = `${ENDPOINT_PREFIX}${randomBytes(24).toString('hex')}`;
    this.#endpoints.set(path, { threadId, handler });
    return path;
  }

  /** Ends an endpoint. Requests that wait are left to its handler. */
  remove(path: string): void {
    this.#endpoints.delete(path);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#endpoints.clear();
    const server = await this.#server;
    server?.close();
    server?.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const endpoint = this.#endpoints.get(request.url ?? '');
    const threadId = request.headers[THREAD_HEADER];
    // The broker names the thread that asks: a path that has become known elsewhere is of no use there.
    if (endpoint === undefined || (threadId !== undefined && threadId !== endpoint.threadId)) {
      request.resume();
      response.writeHead(404).end();
      return;
    }
    endpoint.handler(request, response);
  }
}

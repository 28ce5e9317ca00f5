import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { fromEvent, merge, type Observable, type Subscription } from 'rxjs';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { parseObject } from '../domain/json.js';
import { ServiceError } from '../domain/service-error.js';
import type { PeerTls } from './peer-tls.js';

/** Answers one kind of call of other servers. What it throws reaches the caller: a `ServiceError` as such, anything else without details. */
export type PeerHandler = (body: JsonObject) => Promise<JsonValue>;

/** Makes the messages of one kind of stream. `isReady` is false while the connection takes no more; `resumed$` emits when it may. */
export type PeerStream = (
  body: JsonObject,
  flow: { isReady(): boolean; readonly resumed$: Observable<unknown> },
) => Observable<object>;

/** What a server sends back: a few facts, and bytes. */
export interface PeerTransferAnswer {
  readonly head: JsonObject;
  /** Absent for none. */
  readonly body?: AsyncIterable<Uint8Array>;
}

/** Takes bytes from another server, or sends some. What it throws before it answers reaches the caller as with a {@link PeerHandler}. */
export type PeerTransfer = (params: JsonObject, body: AsyncIterable<Uint8Array>) => Promise<PeerTransferAnswer>;

/** The header with what a transfer is about, and that with the facts of its answer: JSON in base64url. */
export const TRANSFER_HEADERS = { params: 'peer-params', head: 'peer-facts' } as const;

/** Bytes: a path and the policies of a caller may be long. Node's own limit is 16 KiB. */
export const MAX_PEER_HEADER_BYTES = 1_000_000;

/** A body of another server is small: texts and files stay in the store. */
const MAX_BODY_BYTES = 4_000_000;

/** How often an idle stream says that it lives, so that a connection that was cut is noticed. */
const KEEP_ALIVE_MS = 2000;

/** How the server for the others is reached, and by whom. */
export interface PeerServerOptions {
  readonly host: string;
  readonly port: number;
  /** Where the others reach it; absent for its address. */
  readonly url: string | undefined;
  /** Callers have one of these. */
  readonly secrets: readonly string[];
  readonly tls: PeerTls | undefined;
}

/** The HTTP server for the other servers: `POST /calls/<name>` answers JSON, `POST /streams/<name>` lines of JSON. */
export class PeerServer {
  readonly #logger = new Logger(PeerServer.name);
  readonly #handlers = new Map<string, PeerHandler>();
  readonly #streams = new Map<string, PeerStream>();
  readonly #transfers = new Map<string, PeerTransfer>();
  readonly #digests: readonly Buffer[];
  readonly #server: Server;

  constructor(private readonly options: PeerServerOptions) {
    this.#digests = options.secrets.map(digest);
    const listener: RequestListener = (request, response) => void this.#answer(request, response);
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer({ maxHeaderSize: MAX_PEER_HEADER_BYTES }, listener)
        : createTlsServer(
            { ...tls, requestCert: true, rejectUnauthorized: true, maxHeaderSize: MAX_PEER_HEADER_BYTES },
            listener,
          );
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Answers calls of this name. */
  handle(name: string, handler: PeerHandler): void {
    this.#handlers.set(name, handler);
  }

  /** Answers streams of this name. */
  stream(name: string, stream: PeerStream): void {
    this.#streams.set(name, stream);
  }

  /** Answers transfers of this name: `POST /transfers/<name>`, with bytes in its body and in that of its answer. */
  transfer(name: string, transfer: PeerTransfer): void {
    this.#transfers.set(name, transfer);
  }

  /** Listens, and resolves to the URL for the others. Rejects when it cannot. */
  async listen(): Promise<string> {
    const { host, port, url, tls } = this.options;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('unreachable: it does not listen on a port');
    return url ?? `${tls === undefined ? 'http' : 'https'}://${toHost(address)}:${address.port}`;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!this.#isPeer(request)) {
        send(response, 401, { error: 'not a server of this deployment' });
        return;
      }
      const [, kind = '', name = ''] = (request.url ?? '').split('/');
      const stream = kind === 'streams' ? this.#streams.get(name) : undefined;
      const transfer = kind === 'transfers' ? this.#transfers.get(name) : undefined;
      if (transfer !== undefined) {
        await answerTransfer(transfer, request, response);
        return;
      }
      const handler = kind === 'calls' ? this.#handlers.get(name) : undefined;
      const body = await readBody(request);
      if (body === undefined) send(response, 400, { error: 'the body is not a JSON object, or too large' });
      else if (stream !== undefined) this.#pipe(stream, body, response);
      else if (handler !== undefined) send(response, 200, { result: await handler(body) });
      else send(response, 404, { error: 'no such call: servers of different versions' });
    } catch (error) {
      // What a refused transfer still sends: its sender would not read the answer.
      request.resume();
      if (!(error instanceof ServiceError)) this.#logger.error({ err: error }, 'failed to answer another server');
      send(response, 500, error instanceof ServiceError ? toRefusal(error) : { error: 'the call failed' });
    }
  }

  #isPeer({ headers }: IncomingMessage): boolean {
    const given = digest(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    // Every secret is compared, so that the time says nothing.
    return this.#digests.map((secret) => timingSafeEqual(secret, given)).includes(true);
  }

  #pipe(stream: PeerStream, body: JsonObject, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const flow = {
      isReady: () => !response.writableNeedDrain,
      resumed$: merge(fromEvent(response, 'drain')),
    };
    const timer = setInterval(() => response.write('\n'), KEEP_ALIVE_MS);
    let subscription: Subscription | undefined;
    response.once('close', () => {
      clearInterval(timer);
      subscription?.unsubscribe();
    });
    subscription = stream(body, flow).subscribe({
      next: (message) => void response.write(`${JSON.stringify(message)}\n`),
      error: (error: unknown) => {
        this.#logger.warn({ err: error }, 'a stream to another server broke');
        response.destroy();
      },
      complete: () => response.end(),
    });
    if (response.destroyed) subscription.unsubscribe();
  }
}

async function answerTransfer(
  transfer: PeerTransfer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const params = parseObject(
    Buffer.from(String(request.headers[TRANSFER_HEADERS.params] ?? ''), 'base64url').toString(),
  );
  if (params === undefined) {
    send(response, 400, { error: 'a transfer without parameters' });
    return;
  }
  const { head, body } = await transfer(params, request);
  response.setHeader(TRANSFER_HEADERS.head, Buffer.from(JSON.stringify(head)).toString('base64url'));
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  if (body === undefined) response.end();
  else await pipeline(Readable.from(body, { objectMode: false }), response);
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

async function readBody(request: IncomingMessage): Promise<JsonObject | undefined> {
  if (Number(request.headers['content-length'] ?? MAX_BODY_BYTES + 1) > MAX_BODY_BYTES) return undefined;
  return parseObject(await text(request));
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function toRefusal({ kind, message, options }: ServiceError): object {
  return { error: message, refusal: { kind, message, options } };
}

/** An address that other machines can use. */
function toHost({ address, family }: AddressInfo): string {
  const isAny = address === '0.0.0.0' || address === '::';
  const outward = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = isAny ? outward.find((each) => !each.internal && each.family === 'IPv4')?.address : undefined;
  if (found !== undefined) return found;
  if (isAny) return '127.0.0.1';
  return family === 'IPv6' ? `[${address}]` : address;
}

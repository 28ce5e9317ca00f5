import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Observable } from 'rxjs';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { asNumber, asObject, asString, parseObject } from '../domain/json.js';
import { ServiceError, type ServiceErrorKind } from '../domain/service-error.js';
import { MAX_PEER_HEADER_BYTES, TRANSFER_HEADERS } from './peer-server.js';
import type { PeerTls } from './peer-tls.js';

/** Another server could not be reached, or does not answer. */
export class PeerUnreachableError extends Error {
  override readonly name = 'PeerUnreachableError';
}

/** How long a call may take. Copying the files of a thread has a time of its own. */
const CALL_TIMEOUT_MS = 10_000;

/** A stream says every two seconds that it lives. */
const STREAM_SILENCE_MS = 6000;

/** Files may have to be fetched before the first byte. */
const TRANSFER_SILENCE_MS = 120_000;

/** How a call is made. */
export interface CallOptions {
  readonly timeoutMs?: number;
}

/** Calls other servers, over connections that are kept. */
export class PeerClient {
  readonly #agent: Agent;
  readonly #tls: TlsAgent | undefined;

  constructor(
    private readonly secret: string,
    tls: PeerTls | undefined,
  ) {
    this.#agent = new Agent({ keepAlive: true });
    this.#tls = tls === undefined ? undefined : new TlsAgent({ keepAlive: true, ...tls });
  }

  /**
   * Calls the server at this URL.
   *
   * @throws PeerUnreachableError when it cannot be reached, does not answer in time or fails; the call may have had its effect.
   *   ServiceError as the other server refuses it.
   */
  async call(
    url: string,
    name: string,
    body: object,
    { timeoutMs = CALL_TIMEOUT_MS }: CallOptions = {},
  ): Promise<JsonValue> {
    let answer: JsonObject;
    let status: number | undefined;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await this.#post(`${url}/calls/${name}`, body, signal);
      status = response.statusCode;
      answer = asObject(await json(response));
    } catch (error) {
      throw unreachable(url, error);
    }
    if (status === 200) return answer['result'] ?? null;
    const refusal = readRefusal(answer);
    if (refusal !== undefined) throw refusal;
    throw unreachable(url, `${String(status)} ${asString(answer['error']) ?? ''}`);
  }

  /**
   * Follows a stream of the server at this URL. Cold. Completes at its end. Errors with a PeerUnreachableError when the server cannot be
   * reached or the connection breaks. Unsubscribing closes the connection.
   */
  stream(url: string, name: string, body: object): Observable<JsonObject> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      const run = async (): Promise<void> => {
        const response = await this.#post(`${url}/streams/${name}`, body, abort.signal, STREAM_SILENCE_MS);
        if (response.statusCode !== 200) throw new Error(`status ${String(response.statusCode)}`);
        const lines = createInterface({ input: response, crlfDelay: Infinity });
        // The response has it, too, and is waited for below.
        lines.on('error', () => undefined);
        lines.on('line', (line) => {
          // A sign of life.
          if (line === '') return;
          const message = parseObject(line);
          if (message === undefined) response.destroy(new Error('a line is not a JSON object'));
          else subscriber.next(message);
        });
        await once(response, 'end', { signal: abort.signal });
        subscriber.complete();
      };
      run().catch((error: unknown) => subscriber.error(unreachable(url, error)));
      return () => abort.abort();
    });
  }

  /**
   * Sends bytes to the server at this URL, or asks it for some.
   *
   * @param body what is sent; none by default
   * @throws as {@link call}; the bytes of the answer reject when the connection breaks
   */
  async transfer(
    url: string,
    name: string,
    params: object,
    body: AsyncIterable<Uint8Array> = Readable.from([]),
  ): Promise<{ readonly head: JsonObject; readonly body: AsyncIterable<Uint8Array> }> {
    let response: IncomingMessage;
    let answer: JsonObject = {};
    try {
      const request = this.#request(`${url}/transfers/${name}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.secret}`,
          [TRANSFER_HEADERS.params]: Buffer.from(JSON.stringify(params)).toString('base64url'),
        },
      });
      request.setTimeout(TRANSFER_SILENCE_MS, () => request.destroy(new Error('it is silent')));
      const answered = once(request, 'response') as Promise<IncomingMessage[]>;
      const sent = pipeline(Readable.from(body, { objectMode: false }), request);
      // A server that refuses answers before all has been sent.
      const [first] = await Promise.race([answered, sent.then(() => answered)]);
      sent.catch(() => undefined);
      if (first === undefined) throw new Error('unreachable: a response without a response');
      response = first;
      if (response.statusCode !== 200) answer = asObject(await json(response));
    } catch (error) {
      throw error instanceof ServiceError ? error : unreachable(url, error);
    }
    if (response.statusCode !== 200) {
      throw (
        readRefusal(answer) ?? unreachable(url, `${String(response.statusCode)} ${asString(answer['error']) ?? ''}`)
      );
    }
    const head = Buffer.from(String(response.headers[TRANSFER_HEADERS.head] ?? ''), 'base64url').toString();
    return { head: parseObject(head) ?? {}, body: response };
  }

  /** Ends all kept connections. */
  close(): void {
    this.#agent.destroy();
    this.#tls?.destroy();
  }

  #request(url: string, given: RequestOptions): ClientRequest {
    const options = { ...given, maxHeaderSize: MAX_PEER_HEADER_BYTES };
    return url.startsWith('https:')
      ? httpsRequest(url, { ...options, agent: this.#tls })
      : httpRequest(url, { ...options, agent: this.#agent });
  }

  async #post(url: string, body: object, signal: AbortSignal, silenceMs?: number): Promise<IncomingMessage> {
    const text = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.secret}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    const request = this.#request(url, { method: 'POST', headers });
    destroyOnAbort(request, signal);
    if (silenceMs !== undefined) request.setTimeout(silenceMs, () => request.destroy(new Error('it is silent')));
    request.end(text);
    const [response]: IncomingMessage[] = await once(request, 'response', { signal });
    if (response === undefined) throw new Error('unreachable: a response without a response');
    return response;
  }
}

/**
 * Ends a request when the signal aborts. Node's own option `signal` gives the reason to the socket, which has no listener for errors any more
 * in the moment in which the end of the response was read: that ends the process (Node 24.21, seen).
 */
function destroyOnAbort(request: ClientRequest, signal: AbortSignal): void {
  const destroy = (): void => void request.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  request.once('close', () => signal.removeEventListener('abort', destroy));
  // Whoever waits for the response hears of it there.
  request.on('error', () => undefined);
}

function unreachable(url: string, reason: unknown): PeerUnreachableError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new PeerUnreachableError(`the server at ${url} cannot be reached: ${text}`, { cause: reason });
}

const KINDS: Readonly<Record<ServiceErrorKind, true>> = {
  bad_request: true,
  unsupported_media_type: true,
  unauthenticated: true,
  budget_spent: true,
  forbidden: true,
  not_found: true,
  conflict: true,
  too_large: true,
  request_timeout: true,
  rate_limited: true,
  overloaded: true,
  unavailable: true,
};

function isKind(text: string): text is ServiceErrorKind {
  return Object.hasOwn(KINDS, text);
}

function readRefusal(answer: JsonObject): ServiceError | undefined {
  const refusal = asObject(answer['refusal']);
  const [kind, message] = [asString(refusal['kind']), asString(refusal['message'])];
  if (kind === undefined || message === undefined || !isKind(kind)) return undefined;
  const options = asObject(refusal['options']);
  const [code, retryAfterSeconds] = [asString(options['code']), asNumber(options['retryAfterSeconds'])];
  return new ServiceError(kind, message, {
    ...(code === undefined ? {} : { code }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

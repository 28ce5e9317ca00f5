import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { BrokerConfig, Upstream } from '../../protocol.ts';
import { toEndToEndHeaders } from '../headers.ts';
import { ModelCall } from './model-call.ts';
import { createModelCheck } from './model-check.ts';
import { sendModelError } from './model-error.ts';
import type { TokenCounts } from './token-counts.ts';

/** What the agent says about itself is not believed, and `accept-encoding` would hide the token count. */
const DROPPED = ['host', 'x-api-key', 'authorization', 'cookie', 'accept-encoding'];

const MODEL_REFUSAL = 'Agents of this server may not use this model (CHIRON_ALLOWED_MODELS).';

/** How long a connection to a model provider is kept for the next request. */
const KEEP_ALIVE_MS = 60_000;

/** Forwards the requests of agents to model providers with the deployment's credentials, and counts the tokens of the answers. */
export class ModelGateway {
  readonly #config: BrokerConfig;
  readonly #counts: TokenCounts;
  readonly #onRefused: (threadId: string, what: string) => void;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(config: BrokerConfig, counts: TokenCounts, onRefused: (threadId: string, what: string) => void) {
    this.#config = config;
    this.#counts = counts;
    this.#onRefused = onRefused;
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, proxyEnv: config.proxies };
    this.#http = new HttpAgent(options);
    this.#https = new HttpsAgent(options);
  }

  /** Answers a request of a thread's agent. */
  handle(request: IncomingMessage, response: ServerResponse, threadId: string): void {
    const url = request.url ?? '/';
    const upstream = this.#config.upstreams.find(({ prefix }) => new RegExp(`^/${prefix}(/|\\?|$)`).test(url));
    if (upstream === undefined) {
      this.#onRefused(threadId, 'an unknown API');
      sendModelError(response, 'anthropic', 404, 'not_found_error', 'There is no such API here.');
      return;
    }
    const [path = '', query] = url.slice(upstream.prefix.length + 1).split('?', 2);
    const refuse = (status: number, type: string, what: string, message: string): void => {
      this.#onRefused(threadId, what);
      sendModelError(response, upstream.answers, status, type, message);
    };
    if (request.headers.upgrade !== undefined) {
      // Codex 0.169.0 asks for a websocket first; at this status it posts at once, and at others it asks again for half a minute (seen).
      sendModelError(response, upstream.answers, 426, 'invalid_request_error', 'There are no websockets here.');
      return;
    }
    if (!isRoute(upstream, request.method ?? '', path)) {
      refuse(404, 'not_found_error', `${request.method ?? ''} ${path}`, 'Agents may ask for answers of models only.');
      return;
    }
    const { turnTokenLimit } = this.#config;
    if (turnTokenLimit > 0 && request.method === 'POST' && this.#counts.total(threadId) >= turnTokenLimit) {
      const message = `This turn has used its ${turnTokenLimit} tokens (CHIRON_TURN_TOKEN_LIMIT).`;
      refuse(400, 'invalid_request_error', 'more tokens than a turn may use', message);
      return;
    }
    this.#forward(request, response, { threadId, upstream, path, query });
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
    const { threadId, upstream, path } = forwarding;
    const fail = (): void =>
      sendModelError(response, upstream.answers, 502, 'api_error', 'The model provider cannot be reached.');
    let outgoing: ClientRequest;
    try {
      outgoing = this.#ask(request, forwarding);
    } catch {
      // Node says no more about a malformed address or credential, and one of the deployment's may not end the process.
      this.#onRefused(threadId, 'a request to a model provider whose address or credential is malformed');
      fail();
      return;
    }
    const call = isCounted(request, path) ? new ModelCall(upstream.answers) : undefined;
    if (call !== undefined) {
      this.#counts.add(threadId, call);
      request.on('data', (chunk: Buffer) => call.ask(chunk));
    }
    outgoing.once('response', (answer) => {
      const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      response.writeHead(answer.statusCode ?? 502, toEndToEndHeaders(answer));
      // Else the headers of a stream would wait for its first event.
      response.flushHeaders();
      if (call !== undefined) answer.on('data', (chunk: Buffer) => call.answer(chunk, isStream));
      answer.once('close', () => {
        call?.end(!answer.complete);
        // The agent must see that the answer was cut off.
        if (!answer.complete) response.destroy();
      });
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', fail);
    response.once('close', () => {
      // An agent that has gone needs no answer.
      outgoing.destroy();
      call?.end(!response.writableFinished);
    });
    this.#sendBody(request, response, outgoing, forwarding);
  }

  #ask(request: IncomingMessage, { upstream, path, query }: Forwarding): ClientRequest {
    const target = new URL(`${upstream.baseUrl}${path}`);
    if (query !== undefined) target.search = query;
    const isSecure = target.protocol === 'https:';
    return (isSecure ? httpsRequest : httpRequest)(target, {
      method: request.method,
      agent: isSecure ? this.#https : this.#http,
      headers: toUpstreamHeaders(request, upstream),
    });
  }

  #sendBody(
    request: IncomingMessage,
    response: ServerResponse,
    outgoing: ClientRequest,
    { threadId, upstream }: Forwarding,
  ): void {
    if (request.method !== 'POST') {
      // Node would send a body without its length, and the provider take it for a request of its own, past all checks (Node 24.21, seen).
      request.resume();
      outgoing.end();
      return;
    }
    const { allowedModels } = this.#config;
    if (allowedModels.length === 0) {
      request.pipe(outgoing);
      return;
    }
    const refuse = (what: string): void => {
      this.#onRefused(threadId, what);
      sendModelError(response, upstream.answers, 403, 'permission_error', MODEL_REFUSAL);
      outgoing.destroy();
      request.resume();
    };
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      refuse('a compressed request, whose model cannot be read');
      return;
    }
    const check = createModelCheck(allowedModels);
    check.once('error', (error) => {
      request.unpipe(check);
      refuse(error.message);
    });
    request.pipe(check).pipe(outgoing);
  }
}

interface Forwarding {
  readonly threadId: string;
  readonly upstream: Upstream;
  /** Below the base URL. */
  readonly path: string;
  readonly query: string | undefined;
}

/** Whether the answer to a request costs tokens. */
function isCounted({ method }: IncomingMessage, path: string): boolean {
  return method === 'POST' && !path.endsWith('/count_tokens');
}

function isRoute({ routes }: Upstream, method: string, path: string): boolean {
  return routes.some((route) => {
    const [wanted, pattern = ''] = route.split(' ', 2);
    if (wanted !== method) return false;
    if (!pattern.endsWith('*')) return path === pattern;
    const rest = path.startsWith(pattern.slice(0, -1)) ? path.slice(pattern.length - 1) : '';
    return /^[\w.:@-]+$/.test(rest) && !/^\.+$/.test(rest);
  });
}

function toUpstreamHeaders(request: IncomingMessage, upstream: Upstream): Record<string, string | string[]> {
  const bodyless = request.method === 'POST' ? [] : ['content-length'];
  const headers: Record<string, string | string[]> = toEndToEndHeaders(request, [...DROPPED, ...bodyless]);
  for (const [name, added] of Object.entries(upstream.addedValues ?? {})) {
    headers[name] = [headers[name] ?? [], added].flat().join(',');
  }
  return { ...headers, 'accept-encoding': 'identity', ...upstream.headers };
}

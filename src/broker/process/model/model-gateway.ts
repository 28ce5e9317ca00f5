import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { BrokerConfig, Upstream } from '../../protocol.ts';
import { toForwardedHeaders } from '../headers.ts';
import { sendModelError } from './model-error.ts';
import type { TokenCounts } from './token-counts.ts';
import { TokenReader } from './token-reader.ts';

/**
 * What the agent says about itself is not believed, `accept-encoding` would hide the token count, and `expect` was answered on this side
 * already.
 */
const DROPPED = ['host', 'x-api-key', 'authorization', 'cookie', 'accept-encoding', 'expect'];

/** The largest body that is looked into for the name of its model. The Messages API takes 32 MB. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** How long a connection to a model provider is kept for the next request. */
const KEEP_ALIVE_MS = 60_000;

/** Forwards the requests of agents to model providers with the deployment's credentials, and counts the tokens of the answers. */
export class ModelGateway {
  readonly #config: BrokerConfig;
  readonly #counts: TokenCounts;
  readonly #onRefused: (threadId: string, what: string) => void;
  readonly #http = new HttpAgent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS });
  readonly #https = new HttpsAgent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS });

  constructor(config: BrokerConfig, counts: TokenCounts, onRefused: (threadId: string, what: string) => void) {
    this.#config = config;
    this.#counts = counts;
    this.#onRefused = onRefused;
  }

  /** Answers a request of a thread's agent. */
  async handle(request: IncomingMessage, response: ServerResponse, threadId: string): Promise<void> {
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
    if (this.#config.allowedModels.length === 0 || request.method !== 'POST') {
      this.#forward(request, response, { threadId, upstream, path, query });
      return;
    }
    const body = await readBody(request);
    const model = body === undefined ? undefined : readModel(body);
    if (model === undefined || !this.#isAllowed(model)) {
      const message = 'Agents of this server may not use this model (CHIRON_ALLOWED_MODELS).';
      refuse(
        403,
        'permission_error',
        model === undefined ? 'a request without a model' : `model ${model.slice(0, 100)}`,
        message,
      );
      return;
    }
    this.#forward(request, response, { threadId, upstream, path, query, body });
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #isAllowed(model: string): boolean {
    return this.#config.allowedModels.some((pattern) => {
      const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
      return new RegExp(`^${parts.join('.*')}$`, 's').test(model);
    });
  }

  #forward(
    request: IncomingMessage,
    response: ServerResponse,
    { threadId, upstream, path, query, body }: Forwarding,
  ): void {
    const target = new URL(`${upstream.baseUrl}${path}`);
    if (query !== undefined) target.search = query;
    const isSecure = target.protocol === 'https:';
    const outgoing = (isSecure ? httpsRequest : httpRequest)(target, {
      method: request.method,
      agent: isSecure ? this.#https : this.#http,
      headers: toUpstreamHeaders(request, upstream),
    });
    outgoing.once('response', (answer) => {
      const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      const reader =
        request.method === 'POST' && !path.endsWith('/count_tokens')
          ? new TokenReader(upstream.answers, isStream)
          : undefined;
      response.writeHead(answer.statusCode ?? 502, toForwardedHeaders(answer.headers));
      // Else the headers of a stream would wait for its first event.
      response.flushHeaders();
      if (reader !== undefined) {
        this.#counts.add(threadId, reader);
        answer.on('data', (chunk: Buffer) => reader.push(chunk));
      }
      answer.once('close', () => {
        reader?.end();
        // The agent must see that the answer was cut off.
        if (!answer.complete) response.destroy();
      });
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () =>
      sendModelError(response, upstream.answers, 502, 'api_error', 'The model provider cannot be reached.'),
    );
    // An agent that has gone needs no answer.
    response.once('close', () => outgoing.destroy());
    if (request.method !== 'POST') {
      // Node sends the body of a GET without its length, so that the provider would take it for another request.
      request.resume();
      outgoing.end();
    } else if (body === undefined) request.pipe(outgoing);
    else outgoing.end(body);
  }
}

interface Forwarding {
  readonly threadId: string;
  readonly upstream: Upstream;
  /** Below the base URL. */
  readonly path: string;
  readonly query: string | undefined;
  /** What was read of the request already. */
  readonly body?: Buffer | undefined;
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
  const headers = toForwardedHeaders(request.headers, DROPPED);
  for (const [name, added] of Object.entries(upstream.addedValues ?? {})) {
    headers[name] = [headers[name] ?? [], added].flat().join(',');
  }
  if (request.method !== 'POST') delete headers['content-length'];
  return { ...headers, 'accept-encoding': 'identity', ...upstream.headers };
}

/** The whole body; `undefined` if it is too long, or was cut off. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_BODY_BYTES) return undefined;
      parts.push(part);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(parts);
}

/** The model that a body asks for. It is parsed as the provider parses it: a search of the text could be led astray. */
function readModel(body: Buffer): string | undefined {
  try {
    const fields: unknown = JSON.parse(body.toString('utf8'));
    if (typeof fields !== 'object' || fields === null || !('model' in fields)) return undefined;
    return typeof fields.model === 'string' ? fields.model : undefined;
  } catch {
    return undefined;
  }
}

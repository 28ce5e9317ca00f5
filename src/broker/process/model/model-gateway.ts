// A little over 250 lines: one request of an agent to its model, from its checks to its bill.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { BrokerConfig, Upstream } from '../../protocol.ts';
import { toEndToEndHeaders } from '../headers.ts';
import { type Granted, Login, LoginError } from './login/login.ts';
import { ModelCall } from './model-call.ts';
import { createModelCheck, isAllowedModel } from './model-check.ts';
import { sendModelError } from './model-error.ts';
import { isCounted, isRoute, readPathModel, toUpstreamHeaders, toUpstreamQuery } from './model-request.ts';
import { ProviderConnections } from './provider-connections.ts';
import type { TokenCounts } from './token-counts.ts';

const RENEWED = 'The login for the model provider was renewed. Send the request again.';
const NOT_TAKEN = 'The model provider does not take the login of this deployment, which was renewed just now.';
const MODEL_REFUSAL = 'Agents of this server may not use this model (CHIRON_ALLOWED_MODELS).';

/** Forwards the requests of agents to model providers with the deployment's credentials, and counts the tokens of the answers. */
export class ModelGateway {
  readonly #config: BrokerConfig;
  readonly #counts: TokenCounts;
  readonly #listener: GatewayListener;
  readonly #connections: ProviderConnections;
  readonly #traceparents: ReadonlyMap<string, string>;
  /** By the prefixes of their APIs. */
  readonly #logins: ReadonlyMap<string, Login>;

  /** @param traceparents of the turns of threads, by the threads' ids */
  constructor(
    config: BrokerConfig,
    counts: TokenCounts,
    listener: GatewayListener,
    traceparents: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#traceparents = traceparents;
    this.#config = config;
    this.#counts = counts;
    this.#listener = listener;
    const connections = new ProviderConnections(config.proxies);
    this.#connections = connections;
    const logins = config.upstreams.flatMap(({ prefix, login }) => {
      if (login === undefined) return [];
      const spare = join(config.spareLogins, `${prefix}.json`);
      const { onNotice } = listener;
      return [
        [prefix, new Login(login, { post: (url, body) => connections.post(url, body), spare, onNotice })] as const,
      ];
    });
    this.#logins = new Map(logins);
  }

  /** Answers a request of a thread's agent. */
  handle(request: IncomingMessage, response: ServerResponse, threadId: string): void {
    const url = request.url ?? '/';
    const upstream = this.#config.upstreams.find(({ prefix }) => new RegExp(`^/${prefix}(/|\\?|$)`).test(url));
    if (upstream === undefined) {
      this.#listener.onRefused(threadId, 'an unknown API');
      sendModelError(response, 'anthropic', 404, 'not_found_error', 'There is no such API here.');
      return;
    }
    const [path = '', query] = url.slice(upstream.prefix.length + 1).split('?', 2);
    const refuse = (status: number, type: string, what: string, message: string): void => {
      this.#listener.onRefused(threadId, what);
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
    const call = isCounted(request, path)
      ? new ModelCall(upstream.answers, Number(request.headers['content-length'] ?? 0))
      : undefined;
    this.#admit(request, response, { threadId, upstream, path, query, call, refuse }).catch((error: unknown) =>
      refuseLogin(request, response, upstream, error),
    );
  }

  /** Closes idle connections. */
  close(): void {
    this.#connections.close();
  }

  /** @throws LoginError */
  async #admit(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): Promise<void> {
    const { threadId, upstream, call, refuse } = forwarding;
    const { turnTokenLimit: limit } = this.#config;
    if (limit > 0 && request.method === 'POST') {
      const isAdmitted =
        call === undefined ? this.#counts.total(threadId) < limit : await this.#counts.admit(threadId, call, limit);
      if (!isAdmitted) {
        const message = `This turn has used its ${limit} tokens (CHIRON_TURN_TOKEN_LIMIT).`;
        refuse(400, 'invalid_request_error', 'more tokens than a turn may use', message);
        return;
      }
    } else if (call !== undefined) this.#counts.add(threadId, call);
    try {
      const login = this.#logins.get(upstream.prefix);
      const granted = await login?.grant();
      // An agent that has gone needs no answer.
      if (response.destroyed) call?.end(false);
      else this.#forward(request, response, { ...forwarding, login, granted });
    } catch (error) {
      call?.end(false);
      throw error;
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
    const { threadId, upstream, call, login, granted } = forwarding;
    const fail = (): void =>
      sendModelError(response, upstream.answers, 502, 'api_error', 'The model provider cannot be reached.');
    let outgoing: ClientRequest;
    try {
      outgoing = this.#ask(request, forwarding);
    } catch {
      // Node says no more about a malformed address or credential, and one of the deployment's may not end the process.
      this.#listener.onRefused(threadId, 'a request to a model provider whose address or credential is malformed');
      call?.end(false);
      fail();
      return;
    }
    if (call !== undefined) request.on('data', (chunk: Buffer) => call.ask(chunk));
    outgoing.once('response', (answer) => {
      if (answer.statusCode === 401 && login !== undefined && granted !== undefined) {
        answer.resume();
        this.#replaceLogin(request, response, forwarding, login, granted);
        return;
      }
      const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      response.writeHead(answer.statusCode ?? 502, toEndToEndHeaders(answer));
      // Else the headers of a stream would wait for its first event.
      response.flushHeaders();
      call?.begin(answer.statusCode ?? 502);
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

  /**
   * Gets another token for one that the provider has refused. The agent then sends its request again, by itself, so that no body has to be kept for this
   * rare case: both programs repeat what was answered with 503.
   */
  #replaceLogin(
    request: IncomingMessage,
    response: ServerResponse,
    { upstream }: Forwarding,
    login: Login,
    { token }: Granted,
  ): void {
    login.replace(token).then(
      (hasAnother) => {
        if (hasAnother) sendModelError(response, upstream.answers, 503, 'api_error', RENEWED);
        else sendModelError(response, upstream.answers, 401, 'authentication_error', NOT_TAKEN);
      },
      (error: unknown) => refuseLogin(request, response, upstream, error),
    );
  }

  #ask(request: IncomingMessage, { threadId, upstream, path, query, granted }: Forwarding): ClientRequest {
    const target = new URL(`${upstream.baseUrl}${path}`);
    if (query !== undefined) target.search = toUpstreamQuery(upstream, query);
    const headers = {
      ...toUpstreamHeaders(request, upstream, this.#traceparents.get(threadId)),
      ...granted?.headers,
    };
    return this.#connections.request(target, { ...(request.method && { method: request.method }), headers });
  }

  #sendBody(
    request: IncomingMessage,
    response: ServerResponse,
    outgoing: ClientRequest,
    { threadId, upstream, path }: Forwarding,
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
      this.#listener.onRefused(threadId, what);
      sendModelError(response, upstream.answers, 403, 'permission_error', MODEL_REFUSAL);
      outgoing.destroy();
      request.resume();
    };
    if (upstream.answers === 'gemini') {
      const model = readPathModel(path);
      if (isAllowedModel(model, allowedModels)) request.pipe(outgoing);
      else refuse(`model ${model.slice(0, 100)}`);
      return;
    }
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

/** What the gateway tells the server. */
export interface GatewayListener {
  readonly onRefused: (threadId: string, what: string) => void;
  /** Something that an operator has to know, about a login. */
  readonly onNotice: (what: string) => void;
}

interface Forwarding {
  readonly threadId: string;
  readonly upstream: Upstream;
  /** Below the base URL. */
  readonly path: string;
  readonly query: string | undefined;
  /** For the token count; `undefined` for a request that costs no tokens. */
  readonly call: ModelCall | undefined;
  readonly refuse: (status: number, type: string, what: string, message: string) => void;
  /** The login of the API, if it has one, and what this request has of it. */
  readonly login?: Login | undefined;
  readonly granted?: Granted | undefined;
}

/** Answers a request for which there is no token. */
function refuseLogin(request: IncomingMessage, response: ServerResponse, { answers }: Upstream, error: unknown): void {
  request.resume();
  const isPassing = !(error instanceof LoginError) || error.isPassing;
  const message = error instanceof LoginError ? error.message : 'The login for the model provider cannot be used now.';
  if (isPassing) sendModelError(response, answers, 503, 'api_error', message);
  else sendModelError(response, answers, 401, 'authentication_error', message);
}

import { Agent as HttpAgent, type ClientRequest, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { JsonObject } from '../../../domain/harness-event.ts';
import type { TokenAnswer } from './login/login.ts';

/** How long a connection is kept for the next request. */
const KEEP_ALIVE_MS = 60_000;
/** How long a token end point may take to answer; Claude Code 2.1.330 waits as long. */
const POST_MS = 30_000;
/** Far more than any answer of a token end point. */
const MAX_ANSWER = 1024 * 1024;

/** Connections to model providers and their token end points, through the deployment's own proxy where it has one. */
export class ProviderConnections {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  /** @param proxies variables such as `HTTPS_PROXY` and `NO_PROXY` */
  constructor(proxies: Readonly<Record<string, string>>) {
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, proxyEnv: proxies };
    this.#http = new HttpAgent(options);
    this.#https = new HttpsAgent(options);
  }

  /**
   * Begins a request.
   *
   * @throws for an address of another protocol, and for a header that none can be
   */
  request(target: URL, options: { readonly method?: string; readonly headers: OutgoingHttpHeaders }): ClientRequest {
    const isSecure = target.protocol === 'https:';
    return (isSecure ? httpsRequest : httpRequest)(target, {
      ...options,
      agent: isSecure ? this.#https : this.#http,
    });
  }

  /** Sends JSON, and resolves with the whole answer. Rejects if there is none in time. */
  async post(url: string, body: JsonObject): Promise<TokenAnswer> {
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const request = this.request(new URL(url), { method: 'POST', headers });
      const timer = setTimeout(() => request.destroy(new Error('no answer in time')), POST_MS);
      request.once('close', () => clearTimeout(timer));
      request.once('error', reject);
      request.once('response', (answer) => {
        let received = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          received += chunk;
          if (received.length > MAX_ANSWER) request.destroy(new Error('too long an answer'));
        });
        answer.once('error', reject);
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: received }));
      });
      request.end(text);
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

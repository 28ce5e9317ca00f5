import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Cuts one answer when this text appears in it; the chunk with the text is dropped. */
export interface Cut {
  readonly at: string;
  /** Forwards that chunk before the cut. */
  readonly inclusive?: boolean;
}

/** The relevant fields of a request. */
export interface SeenRequest {
  readonly streams: boolean;
  /** How many messages it has, or how many items its input. */
  readonly messages: number;
  /** Its `thread` field. */
  readonly thread: unknown;
}

/** A proxy between a client and Chiron that cuts connections as a bad network does. */
export interface CuttingProxy {
  readonly url: string;
  /** The requests to the path that came through. */
  readonly requests: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Starts a proxy that cuts the first answers to a `POST` of a path, one cut per answer, and passes on all others. */
export async function startCuttingProxy(
  target: string,
  cuts: readonly Cut[],
  path = '/v1/messages',
): Promise<CuttingProxy> {
  const left = [...cuts];
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then((body) => {
      const isMessage = incoming.method === 'POST' && incoming.url?.startsWith(path) === true;
      if (isMessage && !incoming.url?.includes('count_tokens')) requests.push(summaryOf(body));
      pass(target, incoming, body, outgoing, isMessage ? left.shift() : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
  cut: Cut | undefined,
): void {
  const { method = 'GET', url = '/', headers } = incoming;
  const onward = request(new URL(url, target), { method, headers: { ...headers, host: new URL(target).host } });
  outgoing.on('close', () => onward.destroy());
  onward.on('error', () => outgoing.destroy());
  onward.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.on('data', (chunk: Buffer) => {
      const isTheOne = cut !== undefined && chunk.includes(cut.at);
      if (!isTheOne || cut.inclusive === true) outgoing.write(chunk);
      if (isTheOne) setImmediate(() => outgoing.destroy());
    });
    answer.on('end', () => outgoing.end());
    answer.on('error', () => outgoing.destroy());
  });
  onward.end(body);
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function summaryOf(body: Buffer): SeenRequest {
  const parsed: unknown = JSON.parse(body.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null) throw new Error('not a request');
  const messages: unknown = Reflect.get(parsed, 'messages') ?? Reflect.get(parsed, 'input');
  return {
    streams: Reflect.get(parsed, 'stream') === true,
    messages: Array.isArray(messages) ? messages.length : 0,
    thread: Reflect.get(parsed, 'thread'),
  };
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request that a receiver got. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A program that is told of turns. */
export interface WebhookReceiver {
  readonly url: string;
  /** What came, in order. */
  readonly received: ReceivedWebhook[];
  /** The status of the next answers, by what came; undefined never answers. */
  answer: (webhook: ReceivedWebhook) => number | undefined;
  close(): Promise<void>;
}

/** Starts a receiver that answers everything with 204. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const webhook: ReceivedWebhook = { path: request.url ?? '', headers, body };
      receiver.received.push(webhook);
      const status = receiver.answer(webhook);
      if (status !== undefined) response.writeHead(status, { location: '/elsewhere' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${address.port}`,
    received: [],
    answer: () => 204,
    close: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  return receiver;
}

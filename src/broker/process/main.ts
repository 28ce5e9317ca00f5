// The broker's process. Under test Node runs this file directly and strips its types, so the imports of everything in this folder end in `.ts`.
import { parseToBroker } from '../message-schemas.ts';
import type { FromBroker, ToBroker } from '../protocol.ts';
import { createEgress, type Egress } from './egress/egress.ts';
import { relayToServer } from './endpoint-relay.ts';
import { Listeners } from './listeners.ts';
import { ModelGateway } from './model/model-gateway.ts';
import { TokenCounts } from './model/token-counts.ts';

const counts = new TokenCounts();
/** Of the last turn of each thread, if it has one. */
const traceparents = new Map<string, string>();
let gateway: ModelGateway | undefined;
let egress: Egress | undefined;
let endpointPort: number | undefined;

const send = (message: FromBroker): void => {
  if (process.connected) process.send?.(message);
};
const onRefused = (threadId: string, what: string): void => send({ type: 'refused', threadId, what });
const onNotice = (what: string): void => send({ type: 'notice', what });

const listeners = new Listeners({
  onModel: (request, response, threadId) => gateway?.handle(request, response, threadId),
  onEndpoint: (request, response, threadId) => relayToServer(request, response, threadId, endpointPort),
  onProxied: (request, response, threadId) => egress?.handleRequest(request, response, threadId),
  onConnect: (request, client, head, threadId) => egress?.handleConnect(request, client, head, threadId),
});

async function handle(message: ToBroker): Promise<void> {
  switch (message.type) {
    case 'configure':
      gateway?.close();
      gateway = new ModelGateway(message.config, counts, { onRefused, onNotice }, traceparents);
      egress?.close();
      egress = createEgress({ ...message.config.egress, proxies: message.config.proxies, onRefused });
      send({ type: 'done', id: message.id });
      return;
    case 'open': {
      const port = await listeners.open(message.threadId, message.listening);
      send({ type: 'done', id: message.id, ...(port === undefined ? {} : { port }) });
      return;
    }
    case 'close':
      listeners.close(message.threadId);
      counts.close(message.threadId);
      egress?.limit(message.threadId, []);
      traceparents.delete(message.threadId);
      return;
    case 'endpoints':
      endpointPort = message.port;
      return;
    case 'turn':
      egress?.limit(message.threadId, message.hostLimits);
      if (message.traceparent === undefined) traceparents.delete(message.threadId);
      else traceparents.set(message.threadId, message.traceparent);
      counts.begin(message.threadId, message.turnId, message.isUnderway);
      return;
    case 'count': {
      const tokens = counts.take(message.turnId);
      send({ type: 'done', id: message.id, ...(tokens === undefined ? {} : { tokens }) });
      return;
    }
    default:
      message satisfies never;
  }
}

process.on('message', (value: unknown) => {
  const parsed = parseToBroker(value);
  if (parsed.kind === 'malformed') {
    const { id, problem } = parsed;
    onNotice(`The broker got a message that is malformed: ${problem}.`);
    if (id !== undefined) send({ type: 'failed', id, problem: 'the message was malformed' });
    return;
  }
  const { message } = parsed;
  handle(message).catch((error: unknown) => {
    const problem = error instanceof Error ? error.message : String(error);
    if ('id' in message) send({ type: 'failed', id: message.id, problem });
  });
});
// The server is gone, however it died.
process.on('disconnect', () => process.exit(0));
// A service manager signals the whole of a service; agents still need the broker while the server drains.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

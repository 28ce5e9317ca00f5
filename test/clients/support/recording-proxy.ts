import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to `POST /v1/messages` that a caller sent through the proxy, and the headers of its answer. */
export interface Recorded {
  /** `x-chiron-history`; `undefined` if no turn answers. */
  readonly history: string | undefined;
  /** `x-chiron-thread-key`. */
  readonly thread: string | undefined;
}

/** A proxy before Chiron that shows how Chiron matched each request. */
export interface RecordingProxy {
  readonly url: string;
  /** The requests that turns of threads answered, in the order of their answers; no side requests. */
  readonly recorded: readonly Recorded[];
  /** Sends later requests to another server. */
  to(target: string): void;
  close(): Promise<void>;
}

/** Starts a proxy before the server at this address. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  let current = target;
  const recorded: Recorded[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '/' } = incoming;
    const forwarded = request(new URL(url, current), { method, headers }, (answer) => {
      const [history, thread] = ['x-chiron-history', 'x-chiron-thread-key'].map((name) =>
        answer.headers[name]?.toString(),
      );
      if (history !== undefined && thread?.startsWith('side:') !== true) recorded.push({ history, thread });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has this kind of address
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    recorded,
    to: (other) => (current = other),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

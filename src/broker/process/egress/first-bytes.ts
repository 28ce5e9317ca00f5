import type { Duplex } from 'node:stream';
import { normalizeHost } from '../../../domain/host-rule.ts';
import { type HelloReading, readClientHello } from './tls/client-hello.ts';

/** Decides about the first bytes that a client sends through a tunnel. */
export type FirstBytesCheck = (hello: Exclude<HelloReading, { readonly kind: 'incomplete' }>) => boolean;

/**
 * Whether a tunnel begins as TLS for the host that was allowed. A name on an allowlist must not be the way to other names at the same address, as
 * a content delivery network has them.
 */
export function isTlsFor(host: string, hello: Parameters<FirstBytesCheck>[0]): boolean {
  return hello.kind === 'hello' && normalizeHost(hello.serverName ?? '')?.host === host;
}

/** A ClientHello with post-quantum keys has about 2 kB. */
const MAX_HELLO_BYTES = 65_536;

/**
 * Reads a client's first bytes until it is clear what they begin, and puts them back.
 *
 * @returns whether the check allows them; `true` for a client that ends without a byte.
 */
export async function holdFirstBytes(client: Duplex, check: FirstBytesCheck): Promise<boolean> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk: unknown = client.read();
    if (chunk instanceof Buffer) {
      bytes = Buffer.concat([bytes, chunk]);
      const reading = readClientHello(bytes);
      if (reading.kind === 'incomplete' && bytes.length < MAX_HELLO_BYTES) continue;
      client.unshift(bytes);
      return check(reading.kind === 'incomplete' ? { kind: 'other' } : reading);
    }
    if (client.readableEnded || client.destroyed) return bytes.length === 0;
    await readable(client);
  }
}

async function readable(client: Duplex): Promise<void> {
  const events = ['readable', 'end', 'close'] as const;
  await new Promise<void>((resolve) => {
    const settle = () => {
      for (const event of events) client.off(event, settle);
      resolve();
    };
    for (const event of events) client.on(event, settle);
  });
}

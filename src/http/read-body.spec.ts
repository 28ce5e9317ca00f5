import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { ServiceError } from '../domain/service-error.js';
import { SERVICE_ERROR_STATUS } from './service-error-http.js';
import { MAX_BODY_BYTES, readJsonBody } from './read-body.js';

interface Read {
  readonly value?: unknown;
  readonly status?: number;
}

describe('a body', () => {
  const reads: Read[] = [];
  /** What unpacked it. */
  const decoders: Transform[] = [];
  /** What happens before somebody reads, as a guard does. */
  let before: (incoming: IncomingMessage) => Promise<unknown> = () => Promise.resolve();
  const server = createServer((incoming, response) => {
    const pipe = vi.spyOn(incoming, 'pipe');
    before(incoming)
      .then(() => readJsonBody(incoming))
      .then((value) => reads.push({ value }))
      .catch((error: unknown) => {
        reads.push(error instanceof ServiceError ? { status: SERVICE_ERROR_STATUS[error.kind] } : {});
      })
      .finally(() => {
        decoders.push(...pipe.mock.results.map(({ value }) => value).filter((value) => value instanceof Transform));
        response.end();
      });
  });

  beforeEach(async () => {
    reads.length = 0;
    decoders.length = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function send(parts: readonly (string | Uint8Array)[], headers: Readonly<Record<string, string>> = {}) {
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers });
    outgoing.on('error', () => undefined);
    for (const part of parts) outgoing.write(part);
    return outgoing;
  }

  async function read(parts: readonly (string | Uint8Array)[], headers = {}): Promise<Read | undefined> {
    send(parts, headers).end();
    await expect.poll(() => reads.length, { timeout: 10_000 }).toBe(1);
    return reads[0];
  }

  it('is not kept while its request waits for an answer', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('nothing collects garbage');
    const held: ServerResponse[] = [];
    const holding = createServer((incoming, response) => {
      void readJsonBody(incoming).then(() => held.push(response));
    });
    holding.listen(0, '127.0.0.1');
    await once(holding, 'listening');
    const { port } = holding.address() as AddressInfo;
    const body = JSON.stringify('x'.repeat(900_000));
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 20; count += 1) {
      request({ port, host: '127.0.0.1', method: 'POST', agent: false })
        .on('error', () => undefined)
        .end(body);
    }
    await eventually(() => held.length).toBe(20);
    // V8 frees what it has collected in another thread, and the last bodies may still be on the stack.
    const heldBytes = (): number => {
      collect();
      return process.memoryUsage().arrayBuffers - before;
    };
    await eventually(heldBytes).toBeLessThan(20 * body.length * 0.5);
    holding.closeAllConnections();
    holding.close();
  });
  it('is read completely as UTF-8, however it is split', async () => {
    const bytes = Buffer.from('{"a":"ż"}');
    expect(await read([bytes.subarray(0, 7), bytes.subarray(7)])).toEqual({ value: { a: 'ż' } });
  });

  it.each([
    ['in one piece', ['\uFEFF{"a":"\uFEFF"}'], {}],
    ['cut in two', [Buffer.of(0xef, 0xbb), Buffer.of(0xbf), '{"a":"\uFEFF"}'], {}],
    ['packed', [gzipSync('\uFEFF{"a":"\uFEFF"}')], { 'content-encoding': 'gzip' }],
  ])('may start with a byte order mark, %s; one inside a text stays', async (_, parts, headers) => {
    expect(await read(parts, headers)).toEqual({ value: { a: '\uFEFF' } });
  });

  it.each(['\uFEFF', '\uFEFF\uFEFF{}', '{}\uFEFF'])('that is %j is not JSON', async (body) => {
    expect(await read([body])).toEqual({ status: 400 });
  });

  it('is decoded whatever the case of its encoding’s name', async () => {
    expect(await read([gzipSync('{"a":1}')], { 'content-encoding': 'GZIP' })).toEqual({ value: { a: 1 } });
  });

  it('that is encoded is read completely although its request ends before it is decoded', async () => {
    const value = Array.from({ length: 400_000 }, (_, index) => index);
    expect(await read([zstdCompressSync(JSON.stringify(value))], { 'content-encoding': 'zstd' })).toEqual({ value });
  });

  it('may have 32 MB and not a byte more', async () => {
    const limit = `"${'x'.repeat(MAX_BODY_BYTES - 2)}"`;
    expect((await read([limit]))?.value).toHaveLength(MAX_BODY_BYTES - 2);
    reads.length = 0;
    expect(await read([`${limit} `])).toEqual({ status: 413 });
  });

  it('with a content-length that is too large is refused before it is sent', async () => {
    const outgoing = send(['{'], { 'content-length': String(MAX_BODY_BYTES + 1) });
    await eventually(() => reads).toEqual([{ status: 413 }]);
    outgoing.destroy();
  });

  it('that expands beyond the limit is decoded only up to the limit', async () => {
    const packed = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
    });
    expect(await read([packed], { 'content-encoding': 'br' })).toEqual({ status: 413 });
    await eventually(() => decoders).toHaveLength(1);
    expect(decoders.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  it.each([255, 257])('may be nested up to 256 deep: %i', async (depth) => {
    const nested = `${'{"a":'.repeat(depth)}"${'['.repeat(1000)}"${'}'.repeat(depth)}`;
    expect((await read([nested]))?.status).toBe(depth <= 256 ? undefined : 400);
  });

  it.each([String.raw`\"`, String.raw`\\\"`, String.raw`\\`])(
    'may hold any brackets in strings with %s',
    async (escape) => {
      const nested = `["${escape}${'['.repeat(1000)}", "${'{'.repeat(1000)}${escape}"]`;
      expect((await read([nested]))?.status).toBeUndefined();
    },
  );

  it.each([String.raw`\"`, String.raw`\\\"`, String.raw`\\`])(
    'is as deep as it is behind a string with %s',
    async (escape) => {
      const deep = `["${escape}", ${'['.repeat(1000)}${']'.repeat(1000)}]`;
      expect((await read([deep]))?.status).toBe(400);
    },
  );

  it.each([
    ['is not JSON', ['{'], {}, 400],
    ['is cut off inside of its packing', [gzipSync('{"a":1}').subarray(0, 12)], { 'content-encoding': 'gzip' }, 400],
    ['is packed in an unknown way', ['{}'], { 'content-encoding': 'compress' }, 415],
    ['is packed twice', ['{}'], { 'content-encoding': 'gzip, br' }, 415],
  ])('that %s is refused', async (_, parts, headers, status) => {
    expect(await read(parts, headers)).toEqual({ status });
  });

  it.each([{}, { 'content-encoding': 'gzip' }])(
    'whose sender leaves in the middle of it is given up',
    async (headers) => {
      const outgoing = send([gzipSync('{"a":1}').subarray(0, 12)], { ...headers, 'content-length': '100' });
      await eventually(() => outgoing.socket?.bytesWritten ?? 0).toBeGreaterThan(0);
      outgoing.destroy();
      await eventually(() => reads).toEqual([{ status: 400 }]);
    },
  );

  it.each([{}, { 'content-encoding': 'gzip' }])(
    'whose sender leaves before it is read is given up',
    async (headers) => {
      before = (incoming) => {
        outgoing.destroy();
        return once(incoming, 'close').catch(() => undefined);
      };
      const outgoing = send(['half'], { ...headers, 'content-length': '100' });
      try {
        await eventually(() => reads).toEqual([{ status: 400 }]);
      } finally {
        before = () => Promise.resolve();
      }
    },
  );
});

import { createServer, type IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type Options, pinoHttp } from 'pino-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { buildLoggerOptions } from './logger-options.js';

describe('the log', () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const { pinoHttp: options } = buildLoggerOptions('info');
  const log = pinoHttp({ ...(options as Options), logger: pino({ level: 'info' }, sink) });
  const server = createServer((request, response) => {
    response.setHeader('request-id', 'req_1');
    log(request, response);
    response.statusCode = 418;
    response.end();
  });

  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));

  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  async function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { 'x-api-key': 'secret-key', cookie: 'secret=1', ...headers },
    });
  }

  it('has a line per request with its id, path and status, and no secrets', async () => {
    await ask('/v1/messages?key=secret-query');
    await eventually(() => lines.length).toBe(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      requestId: 'req_1',
      req: { method: 'GET', path: '/v1/messages' },
      res: { status: 418 },
      milliseconds: expect.any(Number) as number,
    });
    expect(lines.join('')).not.toContain('secret');
  });

  it('has the trace id of a request with a valid traceparent', async () => {
    lines.length = 0;
    await ask('/traced', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    await ask('/untraced', { traceparent: '00-not-a-trace' });
    await eventually(() => lines.length).toBe(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('traceId');
  });

  it('has no line for routes that load balancers poll', () => {
    const ignore = typeof options === 'object' && 'autoLogging' in options ? options.autoLogging : undefined;
    const isQuiet = typeof ignore === 'object' ? ignore.ignore : undefined;
    const asked = (url: string) => isQuiet?.({ url } as IncomingMessage);
    expect(['/healthz', '/health', '/readyz?x', '/', '/api/hello'].map(asked)).toEqual(Array(5).fill(true));
    expect(['/v1/messages', '/healthz/x'].map(asked)).toEqual([false, false]);
  });
});

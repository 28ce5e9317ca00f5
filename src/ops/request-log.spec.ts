import type { Request, Response } from 'express';
import { createServer } from 'node:http';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { createLog } from './logger-options.js';
import { isPolled, requestLog } from './request-log.js';

describe('the log', () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = createLog('info', sink);
  const middleware = requestLog(log);
  const server = createServer((incoming, outgoing) => {
    const request = Object.assign(incoming, { originalUrl: incoming.url }) as unknown as Request;
    const response = outgoing as Response;
    response.setHeader('request-id', 'req_1');
    void middleware(request, response, () => {
      if (request.url === '/says') setTimeout(() => log.info('said later'));
      if (request.url === '/fails') response.emit('error', new Error('broken'));
      response.statusCode = request.url === '/wrong' ? 500 : 418;
      if (request.url === '/leaves') response.destroy();
      else response.end();
    });
  });

  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));

  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  beforeEach(() => {
    lines.length = 0;
  });

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
      level: 30,
      requestId: 'req_1',
      req: { method: 'GET', path: '/v1/messages' },
      res: { status: 418 },
      milliseconds: expect.any(Number) as number,
      msg: 'request completed',
    });
    expect(lines.join('')).not.toContain('secret');
  });

  it('has the trace id of a request with a valid traceparent', async () => {
    await ask('/traced', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    await ask('/untraced', { traceparent: '00-not-a-trace' });
    await eventually(() => lines.length).toBe(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('traceId');
  });

  it('says of a request whose caller has left that it is aborted', async () => {
    await expect(ask('/leaves')).rejects.toThrow('fetch failed');
    await eventually(() => lines.length).toBe(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ req: { path: '/leaves' }, msg: 'request aborted' });
  });

  it('has the error of a request that fails', async () => {
    await ask('/wrong');
    await ask('/fails');
    await eventually(() => lines.length).toBe(2);
    const errors = lines.map((line) => JSON.parse(line) as unknown);
    expect(errors).toMatchObject([
      { res: { status: 500 }, err: { message: 'failed with status code 500' }, msg: 'request errored' },
      { err: { message: 'broken' }, msg: 'request errored' },
    ]);
  });

  it('has the id of a request in what is written in its course', async () => {
    await ask('/says');
    await eventually(() => lines.some((line) => line.includes('said later'))).toBe(true);
    const said = lines.find((line) => line.includes('said later')) ?? '';
    expect(JSON.parse(said)).toMatchObject({ requestId: 'req_1' });
    log.info('said outside');
    expect(JSON.parse(lines.at(-1) ?? '')).not.toHaveProperty('requestId');
  });

  it('has no line for routes that load balancers poll', () => {
    const asked = (url: string) => isPolled({ url });
    expect(['/healthz', '/health', '/readyz?x', '/', '/api/hello'].map(asked)).toEqual(Array(5).fill(true));
    expect(['/v1/messages', '/healthz/x'].map(asked)).toEqual([false, false]);
  });
});

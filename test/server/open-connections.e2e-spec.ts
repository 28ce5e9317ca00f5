import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startTestApp } from '../support/test-app.js';

describe('A server that stops', () => {
  it('closes also a connection whose request is not complete', async () => {
    const app = await startTestApp();
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    const closed = once(socket, 'close');
    socket.on('error', () => undefined).resume();
    const isAsked = once(app.server, 'request');
    socket.write('POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{');
    await isAsked;
    await app.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

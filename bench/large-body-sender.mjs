// Sends a large request from a separate thread, so that it does not block the thread that watches the other streams.
import { Buffer } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { ask } from './client.mjs';

parentPort.on('message', ({ port, bytes }) => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  void ask(port, body).then((answer) => parentPort.postMessage(answer));
});

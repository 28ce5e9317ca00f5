// Sends a large request from a thread of its own, so that the thread that watches the other streams is not held up by it.
import { Buffer } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { ask } from './client.mjs';

parentPort.on('message', ({ port, bytes }) => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  void ask(port, body).then((answer) => parentPort.postMessage(answer));
});

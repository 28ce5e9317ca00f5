// Sends a large request from a separate thread, so that it does not block the thread that watches the other streams. It gets the bytes
// first, and the port when it is to send them.
import { Buffer } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { ask } from './client.mjs';

let body;
parentPort.on('message', ({ port, bytes }) => {
  if (bytes !== undefined) body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  else void ask(port, body).then((answer) => parentPort.postMessage(answer));
});

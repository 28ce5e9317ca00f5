// Sends a large request from a thread of its own, so that the thread that watches the other streams is not held up by it.
import { Buffer } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { ask } from './client.mjs';

parentPort.on('message', async ({ port, bytes }) => {
  parentPort.postMessage(await ask(port, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
});

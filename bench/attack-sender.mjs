// Sends the same request several times at once from a thread of its own, and reads the answers to their ends, whatever they are.
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { parentPort } from 'node:worker_threads';

parentPort.on('message', ({ port, bytes, atOnce }) => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const asked = Array.from({ length: atOnce }, () => ask(port, body));
  void Promise.all(asked).then(() => parentPort.postMessage('done'));
});

function ask(port, bytes) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.once('data', () => {
      // The rest of a stream is not waited for.
      socket.destroy();
      resolve();
    });
    socket.write(bytes);
  });
}

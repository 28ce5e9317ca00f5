import { connect } from 'node:net';

/** Sends bytes on a connection of their own, and reads until the server closes it. `url` is that of the server. */
export function raw(url: string, ...writes: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let answer = '';
    const socket = connect(Number(port), hostname)
      .on('data', (chunk) => (answer += chunk.toString('latin1')))
      .on('close', () => resolve(answer))
      .on('error', reject);
    for (const bytes of writes) socket.write(bytes);
  });
}

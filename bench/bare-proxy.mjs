// What the broker is compared with: the least that forwards a request with a key. `node bare-proxy.mjs <port of the upstream>` prints its own port.
import { Agent, createServer, request } from 'node:http';
import process from 'node:process';

const upstream = { host: '127.0.0.1', port: Number(process.argv[2]), agent: new Agent({ keepAlive: true }) };

const server = createServer((incoming, response) => {
  const headers = { ...incoming.headers, 'x-api-key': 'key' };
  const outgoing = request({ ...upstream, method: incoming.method, path: incoming.url, headers });
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(outgoing);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));

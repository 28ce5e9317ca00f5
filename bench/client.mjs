// The HTTP client of the load generator: raw sockets and minimal parsing, so that it is never the bottleneck.
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const TOKEN = Buffer.from('content_block_delta');
const SUCCESS = 'HTTP/1.1 200';

let threads = 0;

/** A thread that no request has named yet. */
export function newThread() {
  threads += 1;
  return `bench:${process.pid}-${Date.now().toString(36)}-${threads}`;
}

/** A body with a prompt and, before it, as much history as makes it about `bytes` long: blocks of some kilobytes. */
export function requestBody(prompt, bytes = 0) {
  const history = [];
  const piece = 'The quick brown fox "jumps" over the lazy dog;\n'.repeat(80);
  for (let length = 0; length < bytes; length += 2 * piece.length + 120) {
    history.push({ role: 'user', content: [{ type: 'text', text: `${history.length} ${piece}` }] });
    history.push({ role: 'assistant', content: [{ type: 'text', text: `${history.length} ${piece}` }] });
  }
  const messages = [...history, { role: 'user', content: prompt }];
  return Buffer.from(JSON.stringify({ model: 'demo', max_tokens: 1024, stream: true, messages }));
}

/** A request's bytes, headers and all. */
export function requestBytes(thread, body, path = '/v1/messages') {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    'anthropic-version: 2023-06-01',
    `x-chiron-thread-key: ${thread}`,
    `content-length: ${body.length}`,
    '\r\n',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

/** A prompt's request on a thread of its own. */
export function freshRequest(prompt) {
  return requestBytes(newThread(), requestBody(prompt));
}

/** The same for one of OpenAI's APIs, by its path. */
export function freshOpenaiRequest(path, prompt) {
  const said = path.endsWith('/responses') ? { input: prompt } : { messages: [{ role: 'user', content: prompt }] };
  return requestBytes(newThread(), Buffer.from(JSON.stringify({ model: 'demo', stream: true, ...said })), path);
}

/** An open connection to a server on this machine. */
export function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * Sends a request and reads its answer. `begun` resolves with the answer's first byte, `done` at its end; both reject when it
 * is not a success or is cut off. `onData` gets every chunk. Times are milliseconds since the request was sent.
 */
export function exchange(socket, bytes, onData) {
  const sent = performance.now();
  const answer = { firstByte: 0, firstToken: 0, bytes: 0 };
  let begin;
  const begun = new Promise((resolve) => (begin = resolve));
  const done = new Promise((resolve, reject) => {
    const finish = (error) => {
      socket.off('data', receive).off('close', cut).off('error', finish);
      if (error === undefined) resolve(answer);
      else reject(error);
    };
    const cut = () => {
      const seconds = (performance.now() - sent) / 1000;
      finish(new Error(`a connection was closed after ${answer.bytes} bytes of an answer and ${seconds.toFixed(1)} s`));
    };
    const receive = (chunk) => {
      const now = performance.now();
      if (answer.firstByte === 0) {
        if (chunk.latin1Slice(0, SUCCESS.length) !== SUCCESS) return finish(new Error(chunk.toString('utf8')));
        answer.firstByte = now - sent;
        begin();
      }
      if (answer.firstToken === 0 && chunk.includes(TOKEN)) answer.firstToken = now - sent;
      answer.bytes += chunk.length;
      onData?.(chunk, now);
      if (isLast(chunk)) finish();
    };
    socket.on('data', receive).on('close', cut).on('error', finish);
    socket.write(bytes);
  });
  return { begun: Promise.race([begun, done]), done };
}

/** One request on a connection of its own, to its end. */
export async function ask(port, bytes) {
  const socket = await open(port);
  try {
    return await exchange(socket, bytes).done;
  } finally {
    socket.destroy();
  }
}

/** A complete answer as text. */
export async function askForText(port, bytes) {
  const socket = await open(port);
  const chunks = [];
  await exchange(socket, bytes, (chunk) => chunks.push(chunk)).done;
  socket.destroy();
  return Buffer.concat(chunks).toString('utf8');
}

function isLast(chunk) {
  if (chunk.length < LAST_CHUNK.length) return LAST_CHUNK.subarray(-chunk.length).equals(chunk);
  return chunk.compare(LAST_CHUNK, 0, LAST_CHUNK.length, chunk.length - LAST_CHUNK.length) === 0;
}

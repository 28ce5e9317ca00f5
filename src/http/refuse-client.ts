import type { Socket } from 'node:net';
import { errorEnvelope } from '../messages/anthropic-error.filter.js';
import { newRequestId } from '../messages/request-id.js';
import type { AnthropicErrorType } from '../translator/anthropic-error.js';

/** How long a refused sender has to close its side, in milliseconds. It may never, and the connection must not stay. */
const LINGER = 2000;

/** Answers a sender whose bytes are no request, or do not become one in time, and closes the connection. */
export function refuseClient(error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket: Socket): void {
  // While a request is answered on the connection, the sender would take a refusal for the answer, or for a part of it.
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const id = newRequestId();
  const refusal = refusalOf(error.code);
  const body = errorEnvelope({ type: refusal.type, message: refusal.message }, id);
  const isHead = error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
  socket.end(
    `HTTP/1.1 ${refusal.status}\r\nrequest-id: ${id}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${isHead ? '' : body}`,
  );
  closeSoon(socket);
}

/** Closes a connection, once its caller has had the time to read the answer. */
export function closeSoon(socket: Socket): void {
  setTimeout(() => socket.destroy(), LINGER).unref();
}

/** Whether a request on this connection has not got the whole of its answer: Node keeps the response that is under way with the socket. */
function isAnswering(socket: Socket): boolean {
  return (Reflect.get(socket, '_httpMessage') ?? null) !== null;
}

/** What a sender is told whose bytes Node could not make a request of. */
function refusalOf(code: string | undefined): {
  readonly status: string;
  readonly type: AnthropicErrorType;
  readonly message: string;
} {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: '431 Request Header Fields Too Large',
        type: 'invalid_request_error',
        message: 'The request headers are too large.',
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', type: 'timeout_error', message: 'The request took too long to arrive.' };
    default:
      return { status: '400 Bad Request', type: 'invalid_request_error', message: 'This is not HTTP.' };
  }
}

import type { Socket } from 'node:net';
import { ServiceError } from '../domain/service-error.js';
import { createRequestId } from './request-id.js';

/** How long a refused sender has to close its side. It may never do so, and the connection must not stay open. */
const LINGER_MS = 2000;

/** The first bytes of a client that assumes that the server speaks HTTP/2. [RFC 9113, 3.4] */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The refusal in HTTP/2: an empty SETTINGS frame, and GOAWAY with HTTP_1_1_REQUIRED and a message. [RFC 9113, 6.5, 6.8] */
const HTTP2_REFUSAL = http2Refusal('This server speaks HTTP/1.1 only.');

/** Renders an error as the JSON body of a response, for requests that have not reached a door. */
export type ErrorBody = (error: ServiceError, requestId: string) => string;

/** Answers a sender of a malformed or incomplete request and closes the connection. */
export function refuseClient(
  error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
  socket: Socket,
  errorBody: ErrorBody,
): void {
  // While another request on the connection is being answered, the sender would read the refusal as part of that answer.
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  if (error.rawPacket?.subarray(0, HTTP2_PREFACE.length).equals(HTTP2_PREFACE) === true) {
    socket.end(HTTP2_REFUSAL);
    closeSoon(socket);
    return;
  }
  const id = createRequestId();
  const refusal = toRefusedAnswer(error.code);
  const body = errorBody(refusal.error, id);
  const isHead = error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
  socket.end(
    `HTTP/1.1 ${refusal.status}\r\nrequest-id: ${id}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${isHead ? '' : body}`,
  );
  closeSoon(socket);
}

/** Closes a connection after its caller had time to read the answer. */
export function closeSoon(socket: Socket): void {
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Whether an answer on this connection is incomplete: Node keeps the current response on the socket. */
function isAnswering(socket: Socket): boolean {
  return (Reflect.get(socket, '_httpMessage') ?? null) !== null;
}

/** Returns the answer to a request that Node could not parse. */
function toRefusedAnswer(code: string | undefined): {
  readonly status: string;
  readonly error: ServiceError;
} {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: '431 Request Header Fields Too Large',
        error: new ServiceError('bad_request', 'The request headers are too large.'),
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        status: '408 Request Timeout',
        error: new ServiceError('request_timeout', 'The request took too long to arrive.'),
      };
    default:
      return { status: '400 Bad Request', error: new ServiceError('bad_request', 'Malformed HTTP request.') };
  }
}

function http2Refusal(message: string): Buffer {
  const text = Buffer.from(message);
  const settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
  const goAway = [0, 0, 8 + text.length, 7, 0, 0, 0, 0, 0, /* last stream */ 0, 0, 0, 0, /* error */ 0, 0, 0, 13];
  return Buffer.concat([Buffer.from([...settings, ...goAway]), text]);
}

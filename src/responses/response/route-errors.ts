import { OpenaiException } from '../../openai/errors/openai.exception.js';

/** Makes the error for a method that a route does not have. */
export function methodNotServed(): OpenaiException {
  return refuse(405, 'This method is not allowed here.');
}

/** Makes the error for a WebSocket, and for any other GET without the id of a response. */
export function notOverWebSocket(): OpenaiException {
  return refuse(426, 'Only POST is served here, over HTTP.', { connection: 'close', upgrade: 'HTTP/1.1' });
}

function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): OpenaiException {
  return new OpenaiException(status, { message, type: 'invalid_request_error', param: null, code: null }, headers);
}

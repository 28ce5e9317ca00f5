import { OpenaiException } from '../../openai/errors/openai.exception.js';

/** Makes the error for a WebSocket, and for any other GET without the id of a response. */
export function notOverWebSocket(): OpenaiException {
  return new OpenaiException(
    426,
    { message: 'Only POST is served here, over HTTP.', type: 'invalid_request_error', param: null, code: null },
    { connection: 'close', upgrade: 'HTTP/1.1' },
  );
}

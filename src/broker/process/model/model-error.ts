import type { ServerResponse } from 'node:http';
import type { Upstream } from '../../protocol.ts';

/** Answers a request in the error form of the API that it was for, so that the agent's own client shows the text. */
export function sendModelError(
  response: ServerResponse,
  answers: Upstream['answers'],
  status: number,
  type: string,
  message: string,
): void {
  // Its end was sent: what fails now, nobody waits for.
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body =
    answers === 'anthropic'
      ? { type: 'error', error: { type, message } }
      : { error: { type, message, code: null, param: null } };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

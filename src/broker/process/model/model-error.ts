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
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(toBody(answers, status, type, message)));
}

/** The names of Google's API for the statuses that are sent here. */
const GOOGLE_STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
};

function toBody(answers: Upstream['answers'], status: number, type: string, message: string): object {
  switch (answers) {
    case 'anthropic':
      return { type: 'error', error: { type, message } };
    case 'openai':
      return { error: { type, message, code: null, param: null } };
    case 'gemini':
      return { error: { code: status, message, status: GOOGLE_STATUSES[status] ?? 'UNAVAILABLE' } };
    default:
      return answers satisfies never;
  }
}

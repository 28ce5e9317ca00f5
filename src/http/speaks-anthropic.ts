import type { Request } from 'express';

/** Whether the caller has a header that only clients of Anthropic's API send. Those of OpenAI's have `authorization` alone. */
export function speaksAnthropic(request: Request): boolean {
  return request.get('anthropic-version') !== undefined || request.get('x-api-key') !== undefined;
}

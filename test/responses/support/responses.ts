import type { ResponseObject } from '../../../src/responses/wire/response-object.js';

/** A model that a request names. */
export const MODEL = 'claude-opus-5-5';

/** A request in which the user says hello. */
export const hello = { model: MODEL, input: 'hello' };

/** A message of the user. */
export const user = (text: string) => ({ role: 'user', content: text });

/** The response in a body of JSON. */
export function responseOf({ body }: { readonly body: unknown }): ResponseObject {
  return body as ResponseObject;
}

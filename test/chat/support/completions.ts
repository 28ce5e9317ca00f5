import type { Completion } from '../../../src/chat/wire/completion.js';
import { eventData } from '../../support/openapi.js';
import { ResponseReader } from '../../support/response-stream.js';
import type { TestApp } from '../../support/test-app.js';

/** The path of Chat Completions. */
export const PATH = '/v1/chat/completions';

/** A model that a request names. */
export const MODEL = 'claude-opus-5-5';

/** A message of the user. */
export const user = (content: string | readonly object[]) => ({ role: 'user', content });

/** A message of the assistant. */
export const assistant = (content: string) => ({ role: 'assistant', content });

/** A request in which the user says these texts. */
export const say = (...texts: readonly string[]) => ({ model: MODEL, messages: texts.map(user) });

/** A request in which the user says hello. */
export const hello = say('hello');

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string }; readonly finish_reason: string | null }[];
  readonly usage?: object | null;
}

/** The completion in a body of JSON. */
export function completionOf({ body }: { readonly body: unknown }): Completion {
  return body as Completion;
}

/** The text of the completion in a body of JSON. */
export function contentOf(answer: { readonly body: unknown }): string | null {
  return completionOf(answer).choices[0].message.content;
}

/** The chunks of a stream. */
export const chunksOf = (text: string): readonly Chunk[] => eventData(text) as readonly Chunk[];

/** The texts of a stream's chunks, joined. */
export const streamedText = (text: string): string =>
  chunksOf(text)
    .flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ''))
    .join('');

/** Sends a request for a stream. */
export function streamFrom(
  { url }: Pick<TestApp, 'url'>,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): ResponseReader {
  return ResponseReader.open(`${url}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...body, stream: true }),
  });
}

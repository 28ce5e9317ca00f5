import type { Rig } from './rig.js';
import { isRecord, recordsOf, textOf } from './json.js';

/** Posts a conversation, texts of the user and of the assistant in turn; `more` is added to the body. */
export function sayTo(
  { server }: Pick<Rig, 'server'>,
  texts: readonly string[],
  options: { readonly thread?: string; readonly more?: object } = {},
): Promise<Response> {
  const messages = texts.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }));
  const headers = {
    'content-type': 'application/json',
    ...(options.thread === undefined ? {} : { 'x-chiron-thread-key': options.thread }),
  };
  const body = JSON.stringify({ model: 'chiron', max_tokens: 99, messages, ...options.more });
  return fetch(`${server.url}/v1/messages`, { method: 'POST', headers, body });
}

/** The text of an answer. Rejects for anything else than a message. */
export async function messageThrough(response: Response): Promise<string> {
  const body: unknown = await response.json();
  if (!isRecord(body) || response.status !== 200) throw new Error(JSON.stringify(body));
  return recordsOf(body['content'])
    .map((block) => textOf(block['text']))
    .join('');
}

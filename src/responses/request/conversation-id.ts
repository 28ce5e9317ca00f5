import { ServiceError } from '../../domain/service-error.js';
import type { SessionClue } from '../../threads/thread.resolver.js';
import type { ResponsesCall } from '../clients/responses-client.js';

/** The id of a request's conversation; `undefined` for none. @throws ServiceError (`bad_request`) for one without an id. */
export function readConversationId({ body }: Pick<ResponsesCall, 'body'>): string | undefined {
  const { conversation } = body;
  if (conversation === undefined || conversation === null) return undefined;
  const id: unknown = typeof conversation === 'string' ? conversation : conversation['id'];
  if (typeof id === 'string' && id.trim() !== '') return id;
  throw new ServiceError('bad_request', 'conversation: must be an id, or an object with one');
}

/** Names the thread of a request's conversation; `undefined` for none. */
export function toConversationClue(call: Pick<ResponsesCall, 'body'>): SessionClue | undefined {
  const id = readConversationId(call);
  return id === undefined ? undefined : { id, namespace: 'conversation', field: 'conversation' };
}

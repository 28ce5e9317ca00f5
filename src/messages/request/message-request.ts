import type { ClientProfile, HeaderReader } from '../../clients/client-profile.js';
import { detectClient } from '../../clients/detect-client.js';
import { decodeHeader } from '../../http/header-text.js';
import type { ThreadClues } from '../../threads/thread.resolver.js';
import { THREAD_KEY_HEADER } from '../thread-headers.js';
import type { CreateMessageDto } from './create-message.dto.js';

/** A request to `POST /v1/messages` with what is found out about its sender, once. */
export interface MessageRequest {
  readonly header: HeaderReader;
  readonly body: CreateMessageDto;
  readonly client: ClientProfile;
  /** The request is beside the conversation whose thread it names: its agent has none of its history. */
  readonly isSideRequest: boolean;
}

/** A request with the profile of its client. */
export function toMessageRequest(
  header: HeaderReader,
  body: CreateMessageDto,
  client = detectClient(header),
): MessageRequest {
  return { header, body, client, isSideRequest: client.isSideRequest({ header, body }) };
}

/** The parts of a request that name its thread. */
export function threadClues({ header, body, client, isSideRequest }: MessageRequest): ThreadClues {
  const read: HeaderReader = (name) => {
    const value = header(name);
    return value === undefined ? undefined : decodeHeader(value);
  };
  return {
    threadKey: read(THREAD_KEY_HEADER) ?? read('x-centaur-thread-key'),
    session: client.findSession(read, body.metadata?.['user_id']),
    isSideRequest,
  };
}

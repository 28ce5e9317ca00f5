import type { ClientProfile, HeaderReader } from '../../clients/client-profile.js';
import { detectClient } from '../../clients/detect-client.js';
import { decodeHeader } from '../../http/header-text.js';
import { THREAD_KEY_HEADER } from '../../http/thread-headers.js';
import { findThreadKey, type ThreadClues } from '../../threads/thread.resolver.js';
import { CreateMessageDto } from './create-message.dto.js';

/** A request to `POST /v1/messages` with the profile of its client. */
export interface MessageRequest {
  readonly header: HeaderReader;
  readonly body: CreateMessageDto;
  readonly client: ClientProfile;
  /** Whether it is not a turn of the thread that it names; its agent then has no history. */
  readonly isSideRequest: boolean;
}

/** Detects the client of a request. */
export function toMessageRequest(
  header: HeaderReader,
  body: CreateMessageDto,
  client = detectClient(header),
): MessageRequest {
  return { header, body, client, isSideRequest: client.isSideRequest({ header, body }) };
}

/** The key of the thread that the headers of a request name, before its body is read; `undefined` if they name none. */
export function findThreadKeyInHeaders(header: HeaderReader): string | undefined {
  const { threadKey, session } = toThreadClues({
    header,
    body: new CreateMessageDto(),
    client: detectClient(header),
    isSideRequest: false,
  });
  return findThreadKey({ threadKey, session });
}

/** Reads the parts of a request that name its thread. */
export function toThreadClues({ header, body, client, isSideRequest }: MessageRequest): ThreadClues {
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

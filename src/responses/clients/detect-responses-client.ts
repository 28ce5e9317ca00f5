import type { HeaderReader } from '../../clients/client-profile.js';
import { anyResponsesClient } from './any-responses-client.js';
import { codexClient } from './codex/codex-client.js';
import type { ResponsesClient } from './responses-client.js';

/** Returns the profile of the client that sent a request; that of any SDK for an unknown client. */
export function detectResponsesClient(header: HeaderReader): ResponsesClient {
  return codexClient.isSender(header) ? codexClient : anyResponsesClient;
}

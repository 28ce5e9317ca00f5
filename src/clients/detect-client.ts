import { anySdkProfile } from './any-sdk.js';
import { claudeCodeProfile } from './claude-code/claude-code.js';
import type { ClientProfile, HeaderReader } from './client-profile.js';

/** The clients that are known by their headers. */
export const CLIENTS: readonly ClientProfile[] = [claudeCodeProfile];

/** The profile of the client that sends a request; of one that nobody knows, that of any SDK. */
export function detectClient(header: HeaderReader, clients: readonly ClientProfile[] = CLIENTS): ClientProfile {
  return clients.find((client) => client.isSender(header)) ?? anySdkProfile;
}

import { anySdkProfile } from './any-sdk.js';
import { claudeCodeProfile } from './claude-code/claude-code.js';
import type { ClientProfile, HeaderReader } from './client-profile.js';

/** The clients that can be detected by their headers. */
export const CLIENTS: readonly ClientProfile[] = [claudeCodeProfile];

/** Returns the profile of the client that sent a request; that of any SDK for an unknown client. */
export function detectClient(header: HeaderReader, clients: readonly ClientProfile[] = CLIENTS): ClientProfile {
  return clients.find((client) => client.isSender(header)) ?? anySdkProfile;
}

import { namesCallers } from '../config/api-keys.js';
import type { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { isLoopback } from '../config/loopback.js';

/**
 * Rejects settings that would open a server without keys to others than the programs of its machine.
 *
 * @param hasStoredKeys whether the store has had a key, so that requests need one.
 * @throws ConfigurationError
 */
export function assertClosedToOthers(
  { host, corsOrigins, ...callers }: Pick<AppConfig, 'apiKeys' | 'oidcIssuer' | 'host' | 'corsOrigins'>,
  hasStoredKeys: boolean,
): void {
  if (namesCallers(callers) || hasStoredKeys) return;
  const problems = new Map<string, string>();
  if (!isLoopback(host)) {
    problems.set(
      'CHIRON_API_KEYS',
      'is required when HOST is not a loopback address: without keys, anyone who can reach the server could run agents. Or make a key in the store: chiron keys create',
    );
  }
  if (corsOrigins === '*') {
    problems.set(
      'CHIRON_CORS_ORIGINS',
      'must list origins when there are no keys: with *, any web page could run agents',
    );
  }
  if (problems.size > 0) throw new ConfigurationError(problems);
}

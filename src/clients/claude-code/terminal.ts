import { readTexts } from '../../anthropic/content.js';
import type { ClientRequest } from '../client-profile.js';
import { findBilledEntrypoint } from './billing-header.js';

/**
 * Whether Claude Code shows its answers in a terminal. Only then is its entrypoint `cli`: with `-p` or without a terminal it is
 * `sdk-cli`, and the Agent SDKs, editors and actions have their own names. The entrypoint is in the `user-agent`, and in the system
 * prompt's billing block in case a proxy replaced the header.
 * [Claude Code 2.1.330, 2.1.197: `claude-cli/2.1.330 (external, cli)`, `claude-cli/2.1.330 (external, sdk-ts, agent-sdk/0.3.330)`]
 */
export function callsFromTerminal({ header, body }: ClientRequest): boolean {
  const [, entrypoint] = /^claude-cli\/\S+ \(\w+, ([^,)]+)/.exec(header('user-agent') ?? '') ?? [];
  return (entrypoint ?? findBilledEntrypoint(readTexts(body.system))) === 'cli';
}

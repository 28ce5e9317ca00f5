import { readTexts } from '../../anthropic/content.js';
import type { ClientRequest } from '../client-profile.js';
import { findBilledEntrypoint } from './billing-header.js';

/**
 * Whether a Claude Code shows its answers in a terminal. Its entrypoint is `cli` there, and only there: with `-p`, or without a
 * terminal, it makes `sdk-cli` of that, and the Agent SDKs, editors and actions each have a name of their own. It stands in the
 * `user-agent`, and in the system prompt's billing block for when a proxy replaced the header.
 * [Claude Code 2.1.330, 2.1.197: `claude-cli/2.1.330 (external, cli)`, `claude-cli/2.1.330 (external, sdk-ts, agent-sdk/0.3.330)`]
 */
export function callsFromTerminal({ header, body }: ClientRequest): boolean {
  const [, named] = /^claude-cli\/\S+ \(\w+, ([^,)]+)/.exec(header('user-agent') ?? '') ?? [];
  return (named ?? findBilledEntrypoint(readTexts(body.system))) === 'cli';
}

import { describe, expect, it } from 'vitest';
import type { ClientRequest } from '../client-profile.js';
import { recorded, RECORDINGS } from './__fixtures__/recorded.js';
import { callsFromTerminal } from './terminal.js';

const request = (userAgent: string | undefined, system?: unknown): ClientRequest => ({
  header: (name) => (name === 'user-agent' ? userAgent : undefined),
  body: { messages: [], system },
});

describe('a terminal', () => {
  // As 2.1.330 and 2.1.197 send it: in a terminal, with -p, from the Agent SDKs, an editor, the desktop app, as an action; and a
  // host's own name.
  it.each([
    ['claude-cli/2.1.330 (external, cli)', true],
    ['claude-cli/2.1.197 (external, cli)', true],
    ['claude-cli/2.1.330 (external, cli, workload/cron)', true],
    ['claude-cli/2.1.330 (external, sdk-cli)', false],
    ['claude-cli/2.1.197 (external, sdk-cli)', false],
    ['claude-cli/2.1.330 (external, sdk-ts, agent-sdk/0.3.330)', false],
    ['claude-cli/2.1.330 (external, sdk-py)', false],
    ['claude-cli/2.1.330 (external, claude-vscode)', false],
    ['claude-cli/2.1.330 (external, claude-desktop)', false],
    ['claude-cli/2.1.330 (external, claude-code-github-action)', false],
    ['claude-cli/2.1.330 (external, mcp)', false],
    ['claude-cli/2.1.330 (external, my-thing, client-app/cli)', false],
    ['claude-cli/2.1.330', false],
    ['a proxy (external, cli)', false],
    [undefined, false],
  ])('is detected by the user-agent %j: %s', (userAgent, isTerminal) => {
    expect(callsFromTerminal(request(userAgent))).toBe(isTerminal);
  });

  it.each(RECORDINGS)('is detected in recordings with and without the user-agent: %s', (name) => {
    const { headers, body } = recorded(name);
    const userAgent = headers['user-agent'];
    const isTerminal = userAgent?.includes('(external, cli)') === true;
    const { system } = body;
    expect(callsFromTerminal(request(userAgent, system))).toBe(isTerminal);
    expect(callsFromTerminal(request('a proxy', system))).toBe(isTerminal);
  });

  it('is detected by the user-agent if the two differ, and not by quoted text', () => {
    const billing = 'x-anthropic-billing-header: cc_version=2.1.330.839; cc_entrypoint=cli;';
    const userAgent = 'claude-cli/2.1.330 (external, sdk-cli)';
    expect(callsFromTerminal(request(userAgent, billing))).toBe(false);
    expect(callsFromTerminal(request(undefined, [{ type: 'text', text: billing }]))).toBe(true);
    expect(callsFromTerminal(request(undefined, `I saw ${billing}`))).toBe(false);
    expect(callsFromTerminal(request(undefined, [null, 3, { text: 4 }]))).toBe(false);
  });
});

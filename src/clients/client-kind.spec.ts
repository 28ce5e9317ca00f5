import { describe, expect, it } from 'vitest';
import { recorded, type Recording, RECORDINGS } from './claude-code/__fixtures__/recorded.js';
import { detectClient, callsFromTerminal, isSideRequest, type SideRequestClues } from './client-kind.js';
import type { SideRequestBody } from './claude-code/side-request-signals.js';

function cluesOf({ headers, body }: Recording): SideRequestClues {
  return {
    caller: detectClient({ userAgent: headers['user-agent'], xApp: headers['x-app'] }),
    requestClass: headers['x-claude-code-request-class'],
    agentId: headers['x-claude-code-agent-id'],
    body,
  };
}

/** What a proxy that only passes on what it knows leaves of a request. */
const withoutHints = (recording: Recording): SideRequestClues => ({ ...cluesOf(recording), requestClass: undefined });

/** The same body without any cache marker. */
function unmarked(body: SideRequestBody): SideRequestBody {
  const copy: SideRequestBody = JSON.parse(
    JSON.stringify(body, (key, value: unknown) => (key === 'cache_control' ? undefined : value)),
  );
  return copy;
}

describe('the caller', () => {
  it.each([
    ['claude-cli/2.1.330 (external, sdk-cli)', undefined, 'claude-code'],
    [undefined, 'cli', 'claude-code'],
    ['a proxy', 'cli-bg', 'claude-code'],
    ['Anthropic/JS 1.12.0', undefined, 'sdk'],
    ['not claude-cli/2', 'web', 'sdk'],
    [undefined, undefined, 'sdk'],
  ])('with user-agent %j and x-app %j is %s', (userAgent, xApp, caller) => {
    expect(detectClient({ userAgent, xApp })).toBe(caller);
  });
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
  ])('is told by the user-agent %j: %s', (userAgent, isTerminal) => {
    expect(callsFromTerminal({ userAgent, system: undefined })).toBe(isTerminal);
  });

  it.each(RECORDINGS)('is told by what is recorded, with its user-agent and without it: %s', (name) => {
    const { headers, body } = recorded(name);
    const userAgent = headers['user-agent'];
    const isTerminal = userAgent?.includes('(external, cli)') === true;
    const { system } = body;
    expect(callsFromTerminal({ userAgent, system })).toBe(isTerminal);
    expect(callsFromTerminal({ userAgent: 'a proxy', system })).toBe(isTerminal);
  });

  it('is told by the user-agent where the two differ, and not by what somebody quotes', () => {
    const billing = 'x-anthropic-billing-header: cc_version=2.1.330.839; cc_entrypoint=cli;';
    const userAgent = 'claude-cli/2.1.330 (external, sdk-cli)';
    expect(callsFromTerminal({ userAgent, system: billing })).toBe(false);
    expect(callsFromTerminal({ userAgent: undefined, system: [{ type: 'text', text: billing }] })).toBe(true);
    expect(callsFromTerminal({ userAgent: undefined, system: `I saw ${billing}` })).toBe(false);
    expect(callsFromTerminal({ userAgent: undefined, system: [null, 3, { text: 4 }] })).toBe(false);
  });
});

describe('a recorded request of Claude Code 2.1.330', () => {
  it.each(RECORDINGS.filter((name) => recorded(name).isSideRequest))('is beside the conversation: %s', (name) => {
    const recording = recorded(name);
    expect(isSideRequest(cluesOf(recording))).toBe(true);
    expect(isSideRequest(withoutHints(recording))).toBe(true);
  });

  it.each(RECORDINGS.filter((name) => !recorded(name).isSideRequest))('is a turn: %s', (name) => {
    const recording = recorded(name);
    expect(isSideRequest(cluesOf(recording))).toBe(false);
    expect(isSideRequest(withoutHints(recording))).toBe(false);
  });

  it.each(RECORDINGS)('is told without cache markers, which a proxy may take out: %s', (name) => {
    const recording = recorded(name);
    const clues = { ...withoutHints(recording), body: unmarked(recording.body) };
    expect(isSideRequest(clues)).toBe(recording.isSideRequest);
  });

  it.each(RECORDINGS)('is a turn when it is of another client: %s', (name) => {
    expect(isSideRequest({ ...cluesOf(recorded(name)), caller: 'sdk' })).toBe(false);
  });
});

describe('a side request', () => {
  const turn = cluesOf(recorded('main-second'));

  it('is what Claude Code says it is', () => {
    expect(isSideRequest({ ...turn, requestClass: 'auxiliary' })).toBe(true);
    expect(isSideRequest({ ...cluesOf(recorded('side-compact')), requestClass: 'main' })).toBe(false);
  });

  it('is a sub-agent’s by its id, and by its billing block when a proxy stripped the headers', () => {
    const subagent = withoutHints(recorded('side-subagent'));
    expect(isSideRequest({ ...subagent, agentId: undefined })).toBe(true);
    expect(isSideRequest({ ...turn, requestClass: undefined, agentId: 'a' })).toBe(true);
  });

  it('is a fork with words that nobody has seen yet, by what it marks to be cached', () => {
    const { messages, ...more } = recorded('side-recap').body;
    const fork = { ...more, messages: [...messages.slice(0, -1), { role: 'user', content: 'Something new.' }] };
    const clues = { ...turn, requestClass: undefined, agentId: undefined };
    expect(isSideRequest({ ...clues, body: fork })).toBe(true);
    expect(isSideRequest({ ...clues, body: unmarked(fork) })).toBe(false);
  });

  it('is a fork also when it goes on after the results of tools', () => {
    const { messages, ...more } = unmarked(recorded('side-recap').body);
    const call = { type: 'tool_use', id: 't', name: 'Read', input: {} };
    const result = { type: 'tool_result', tool_use_id: 't', content: 'x' };
    const later = [...messages, { role: 'assistant', content: [call] }, { role: 'user', content: [result] }];
    expect(isSideRequest({ ...turn, requestClass: undefined, body: { ...more, messages: later } })).toBe(true);
  });

  it('is one without tools, unless its model is to think or is told of the caller’s machine', () => {
    const messages = [{ role: 'user', content: 'hi' }];
    const isSide = (body: Omit<SideRequestBody, 'messages'>) =>
      isSideRequest({ ...turn, requestClass: undefined, body: { messages, ...body } });
    expect([isSide({}), isSide({ tools: [] }), isSide({ thinking: { type: 'disabled' } })]).toEqual([true, true, true]);
    expect([isSide({ thinking: { type: 'adaptive' } }), isSide({ system: 'CWD: /caller' })]).toEqual([false, false]);
    expect(isSide({ thinking: { type: 'adaptive' }, output_config: { format: {} } })).toBe(true);
  });

  it('is not a turn of a message thread, whatever it marks', () => {
    const clues = { ...turn, requestClass: undefined };
    const { body } = recorded('side-web-fetch');
    expect(isSideRequest({ ...clues, body })).toBe(true);
    expect(isSideRequest({ ...clues, body: { ...body, thread: { type: 'create' } } })).toBe(false);
  });

  it('reads nothing into content that is no content', () => {
    const messages = [null, 'x', { role: 'user' }, { role: 'user', content: [null, 'x', { text: 3 }] }];
    const body = { messages, system: 3, tools: [null, { input_schema: {} }] };
    expect(isSideRequest({ ...turn, requestClass: undefined, body })).toBe(false);
  });
});

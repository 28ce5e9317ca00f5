import { describe, expect, it } from 'vitest';
import { anySdkProfile } from './any-sdk.js';
import { recorded, RECORDINGS } from './claude-code/__fixtures__/recorded.js';
import { claudeCodeProfile } from './claude-code/claude-code.js';
import type { ClientProfile, HeaderReader } from './client-profile.js';
import { CLIENTS, detectClient } from './detect-client.js';

const reader =
  (headers: Readonly<Record<string, string | undefined>>): HeaderReader =>
  (name) =>
    headers[name];

describe('the profile of a client', () => {
  it.each([
    ['claude-cli/2.1.330 (external, sdk-cli)', undefined, claudeCodeProfile],
    [undefined, 'cli', claudeCodeProfile],
    ['a proxy', 'cli-bg', claudeCodeProfile],
    ['Anthropic/JS 1.12.0', undefined, anySdkProfile],
    ['not claude-cli/2', 'web', anySdkProfile],
    [undefined, undefined, anySdkProfile],
  ])('is chosen by its user-agent %j and x-app %j', (userAgent, xApp, profile) => {
    expect(detectClient(reader({ 'user-agent': userAgent, 'x-app': xApp }))).toBe(profile);
  });

  it.each(RECORDINGS)('is that of Claude Code for each of its recorded requests: %s', (name) => {
    const { headers, body, isSideRequest } = recorded(name);
    const header = reader(headers);
    const client = detectClient(header);
    expect(client.kind).toBe('claude-code');
    expect(client.isSideRequest({ header, body })).toBe(isSideRequest);
    const isTurnInTerminal = !isSideRequest && headers['user-agent']?.includes('(external, cli)') === true;
    expect(client.toolBlocks({ header, body }, isSideRequest)).toBe(isTurnInTerminal ? 'text' : 'mcp');
  });

  it.each(RECORDINGS)('does not change the same request of another client: %s', (name) => {
    const { body } = recorded(name);
    const request = { header: reader({ 'user-agent': 'Anthropic/JS 1.12.0' }), body };
    const client = detectClient(request.header);
    expect(client.kind).toBe('sdk');
    expect(client.isSideRequest(request)).toBe(false);
    expect(client.toolBlocks(request, false)).toBe('mcp');
    expect(client.stripRecovery(body.messages)).toEqual({ messages: body.messages, partialAnswer: undefined });
  });

  it('has a unique name, because it is stored', () => {
    const kinds = [...CLIENTS, anySdkProfile].map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
  });
});

describe('a client that is new', () => {
  /** What a client costs that differs from any SDK in three habits. */
  const editor: ClientProfile = {
    ...anySdkProfile,
    kind: 'editor',
    isSender: (header) => header('user-agent')?.startsWith('editor/') === true,
    isSideRequest: ({ header }) => header('x-editor-purpose') === 'title',
    toolBlocks: () => 'text',
  };

  it('is detected by its own headers, and does not change other clients', () => {
    const clients = [editor, ...CLIENTS];
    expect(detectClient(reader({ 'user-agent': 'editor/1.0' }), clients)).toBe(editor);
    expect(detectClient(reader({ 'x-app': 'cli' }), clients)).toBe(claudeCodeProfile);
    expect(detectClient(reader({}), clients)).toBe(anySdkProfile);
  });
});

describe('the system prompt of any SDK', () => {
  it('is not changed', () => {
    const blocks = ['Be brief.', '<system-reminder>x</system-reminder>', 'x-anthropic-billing-header: is a header.'];
    expect(anySdkProfile.systemPrompt(blocks)).toBe(blocks.join('\n\n'));
  });

  it.each([[[]], [[' ']]])('is undefined when it is blank: %j', (blocks) => {
    expect(anySdkProfile.systemPrompt(blocks)).toBeUndefined();
  });
});

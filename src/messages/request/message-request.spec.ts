import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../http/header-text.js';
import { parseCreateMessage } from './create-message.dto.js';
import { toThreadClues, toMessageRequest } from './message-request.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)' };

function request(headers: Readonly<Record<string, string>>, fields: object = {}) {
  const body = parseCreateMessage({
    model: 'm',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'hi' }],
    ...fields,
  });
  return toMessageRequest((name) => headers[name], body);
}

describe('what names a request’s thread', () => {
  it('is in its headers and its metadata', () => {
    const headers = { 'x-centaur-thread-key': 'c:1', 'x-claude-code-session-id': 's' };
    expect(toThreadClues(request(headers))).toEqual({
      threadKey: 'c:1',
      session: { id: 's', namespace: 'claude', field: 'x-claude-code-session-id' },
      isSideRequest: false,
    });
    expect(toThreadClues(request({ ...headers, 'x-chiron-thread-key': 'x:1' })).threadKey).toBe('x:1');
    expect(toThreadClues(request({}, { metadata: { user_id: '{"session_id":"u"}' } })).session?.id).toBe('u');
    expect(toThreadClues(request({}))).toEqual({ threadKey: undefined, session: undefined, isSideRequest: false });
  });

  it('is in UTF-8', () => {
    const name = encodeHeader('ż:🌍');
    const clues = toThreadClues(request({ 'x-chiron-thread-key': name, 'x-claude-code-session-id': name }));
    expect([clues.threadKey, clues.session?.id]).toEqual(['ż:🌍', 'ż:🌍']);
  });

  it('does not count for a side request of Claude Code', () => {
    const title = { output_config: { format: {} }, tools: [] };
    const turn = { tools: [{ name: 'Bash', input_schema: {} }] };
    const isSide = (headers: Readonly<Record<string, string>>, fields: object): boolean =>
      toThreadClues(request(headers, fields)).isSideRequest;
    expect([isSide(CLAUDE_CODE, title), isSide({}, title)]).toEqual([true, false]);
    expect([isSide(CLAUDE_CODE, turn), isSide({ ...CLAUDE_CODE, 'x-claude-code-agent-id': 'a' }, turn)]).toEqual([
      false,
      true,
    ]);
    expect(isSide({ ...CLAUDE_CODE, 'x-claude-code-request-class': 'compaction' }, turn)).toBe(true);
  });
});

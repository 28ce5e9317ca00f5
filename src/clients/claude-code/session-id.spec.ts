import { describe, expect, it } from 'vitest';
import { findSession, findUser } from './session-id.js';

const SESSION = '6d7f7b0a-7d5c-4c0e-9a40-7f2f7f1d2b11';
const header = (value?: string) => (name: string) => (name === 'x-claude-code-session-id' ? value : undefined);

describe('the session of Claude Code', () => {
  it('is in its header, before its user id', () => {
    expect(findSession(header('s'), `{"session_id":"${SESSION}"}`)).toEqual({
      id: 's',
      namespace: 'claude',
      field: 'x-claude-code-session-id',
    });
    expect(findSession(header(''), undefined)?.id).toBe('');
  });

  it.each([
    `user_0f3c_account_9a40aaaa-7d5c-4c0e-9a40-7f2f7f1d2b11_session_${SESSION}`,
    `user_${'d3'.repeat(32)}_account__session_${SESSION}`,
    `{"device_id":"d3","account_uuid":"","session_id":"${SESSION}"}`,
  ])('is in its user id, in the form of any version: %s', (userId) => {
    expect(findSession(header(), userId)).toMatchObject({ id: SESSION, field: 'metadata.user_id: session_id' });
  });

  it.each([
    `user_0f3c_account__session_`,
    `user_0f3c_account__session_not-a-uuid`,
    `user_0f3c_account__session_${SESSION}\n`,
    `user_0f3c_session_${SESSION}`,
    `_session_${SESSION}`,
    `a user of mine, user_1_account_2_session_${SESSION}`,
    `{"session_id":"${SESSION}","more":"${'x'.repeat(4096)}"}`,
    '{"session_id":5}',
    '{',
    '',
    5,
    null,
  ])('is not in a user id of another form: %j', (userId) => {
    expect(findSession(header(), userId)).toBeUndefined();
  });
});

describe('the user of a request', () => {
  it.each([
    [`user_0f3c_account_9a40aaaa_session_${SESSION}`, 'user_0f3c_account_9a40aaaa'],
    [`{"device_id":"d3","account_uuid":"a1","session_id":"${SESSION}"}`, 'd3'],
    [`{"device_id":"","account_uuid":"a1","session_id":"${SESSION}"}`, 'a1'],
    [`{"device_id":"","account_uuid":"","session_id":"${SESSION}"}`, undefined],
    ['customer-7', 'customer-7'],
    [`customer_session_${SESSION}`, `customer_session_${SESSION}`],
    ['{"id":"customer-7"}', '{"id":"customer-7"}'],
    ['x'.repeat(300), 'x'.repeat(256)],
    ['', undefined],
    [5, undefined],
    [undefined, undefined],
  ])('is the user id %j without a session of Claude Code: %j', (userId, user) => {
    expect(findUser(userId)).toBe(user);
  });
});

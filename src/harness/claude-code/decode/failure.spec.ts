import { describe, expect, it } from 'vitest';
import { parseApiFailure } from './failure.js';

describe('a failed result', () => {
  // Texts and statuses as Claude Code 2.1.330 wrote them against a scripted model.
  it.each([
    [400, 'API Error: 400 messages.0: bad', 'bad_request', 'messages.0: bad'],
    [400, 'Prompt is too long', 'context_too_long', 'prompt is too long'],
    [401, 'Failed to authenticate. API Error: 401 no such key', 'authentication', 'no such key'],
    [402, 'API Error: 402 pay', 'billing', 'pay'],
    [400, 'Credit balance is too low', 'billing', 'Credit balance is too low'],
    [403, 'Failed to authenticate. API Error: 403 no', 'permission', 'no'],
    [404, "There's an issue. Run --model to pick a different model.", 'not_found', "There's an issue."],
    [429, 'Request rejected (429) · slow down', 'rate_limit', 'Request rejected (429) · slow down'],
    [500, 'API Error: oops. If it persists, check your inference gateway (10.0.0.1:80).', 'internal', 'oops.'],
    [529, 'API Error: 529 Overloaded', 'overloaded', 'Overloaded'],
    [undefined, 'API Error: Connection refused', 'internal', 'Connection refused'],
    [undefined, 'Not logged in · Please run /login', 'authentication', 'Not logged in · Please run /login'],
    [undefined, 'Request timed out', 'timeout', 'Request timed out'],
  ] as const)('of status %s saying %j is %s: %j', (status, text, kind, message) => {
    const line = status === undefined ? {} : { api_error_status: status };
    expect(parseApiFailure(line, text)).toEqual({ type: 'turn-failed', kind, message });
  });

  it('takes the message out of the provider’s error object', () => {
    const body = JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'bad field' } });
    expect(parseApiFailure({ api_error_status: 400 }, `API Error: 400 ${body}`).message).toBe('bad field');
  });

  it('goes by the error type when there is no status', () => {
    expect(parseApiFailure({ api_error_type: 'rate_limit_error' }, 'x').kind).toBe('rate_limit');
  });

  it('has a text even when Claude Code gives none', () => {
    expect(parseApiFailure({}, '').message).toBe('The agent failed without saying why.');
  });
});

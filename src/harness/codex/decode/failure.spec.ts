import { describe, expect, it } from 'vitest';
import { parseCodexFailure } from './failure.js';

describe('parseCodexFailure', () => {
  it.each([
    ['contextWindowExceeded', 'context_too_long'],
    ['usageLimitExceeded', 'rate_limit'],
    ['rateLimitExceeded', 'rate_limit'],
    ['serverOverloaded', 'overloaded'],
    ['unauthorized', 'authentication'],
    ['badRequest', 'bad_request'],
    ['internalServerError', 'internal'],
    ['other', 'internal'],
  ])('knows %s as %s', (codexErrorInfo, kind) => {
    expect(parseCodexFailure({ message: 'boom', codexErrorInfo })).toEqual({ kind, message: 'boom' });
  });

  it('follows the HTTP status where Codex reports it', () => {
    const codexErrorInfo = { responseTooManyFailedAttempts: { httpStatusCode: 429 } };
    expect(parseCodexFailure({ message: 'boom', codexErrorInfo }).kind).toBe('rate_limit');
    expect(
      parseCodexFailure({ message: 'boom', codexErrorInfo: { httpConnectionFailed: { httpStatusCode: null } } }).kind,
    ).toBe('internal');
  });

  it('reads the model provider’s error inside the message', () => {
    const body = '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}';
    expect(parseCodexFailure({ message: body, codexErrorInfo: 'other' })).toEqual({
      kind: 'context_too_long',
      message: 'too long',
    });
    expect(
      parseCodexFailure(`unexpected status 401 Unauthorized: {"error":{"message":"bad key"}}, url: http://model`),
    ).toEqual({
      kind: 'authentication',
      message: 'bad key',
    });
  });

  it.each([
    ['Your credit balance is too low to access the API.', 'badRequest'],
    ['{"error":{"message":"Pay first","type":"billing_error"}}', 'other'],
    ['Quota exceeded. Check your plan and billing details.', 'usageLimitExceeded'],
  ])('classifies %j as billing, whatever else is reported', (message, codexErrorInfo) => {
    expect(parseCodexFailure({ message, codexErrorInfo }).kind).toBe('billing');
  });

  it('has a text even when Codex gives none', () => {
    expect(parseCodexFailure(undefined)).toEqual({ kind: 'internal', message: 'The agent failed without saying why.' });
  });
});

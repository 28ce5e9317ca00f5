import { expect, it } from 'vitest';
import { LIMIT_HEADERS, toLimitHeaders } from './limit-headers.js';

const NOON = Date.parse('2027-01-31T12:00:00Z');

it('the headers about a limit are those of Anthropic’s API, with the time rounded up', () => {
  expect(toLimitHeaders('requests', [{ limit: 60, remaining: 12, resetsAt: NOON + 1 }])).toEqual({
    'anthropic-ratelimit-requests-limit': '60',
    'anthropic-ratelimit-requests-remaining': '12',
    'anthropic-ratelimit-requests-reset': '2027-01-31T12:00:01Z',
  });
});

it('of two limits, the one with less left is shown; of two that are used up, the one that lasts longer', () => {
  const loose = { limit: 100, remaining: 50, resetsAt: NOON + 60_000 };
  const tight = { limit: 1000, remaining: 7, resetsAt: NOON };
  expect(toLimitHeaders('tokens', [loose, tight])).toMatchObject({ 'anthropic-ratelimit-tokens-limit': '1000' });
  const spent = { limit: 5, remaining: 0, resetsAt: NOON };
  expect(toLimitHeaders('tokens', [spent, { ...spent, resetsAt: NOON + 1000 }])).toMatchObject({
    'anthropic-ratelimit-tokens-reset': '2027-01-31T12:00:01Z',
  });
});

it('there are none without a limit', () => {
  expect(toLimitHeaders('tokens', [])).toEqual({});
  expect(LIMIT_HEADERS).toHaveLength(6);
});

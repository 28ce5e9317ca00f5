import { describe, expect, it } from 'vitest';
import type { Upstream } from '../../protocol.js';
import { isCounted, isRoute, readPathModel, toUpstreamQuery } from './model-request.js';

const upstream = (answers: Upstream['answers'], ...routes: readonly string[]): Upstream => ({
  prefix: 'x',
  baseUrl: 'http://x',
  headers: {},
  routes,
  answers,
});

describe('a route', () => {
  const generate = upstream('gemini', 'POST /v1beta/models/*:generateContent', 'GET /v1beta/models/*');

  it('stands for one part of a path, before what follows it', () => {
    expect(isRoute(generate, 'POST', '/v1beta/models/gemini-2.5-pro:generateContent')).toBe(true);
    expect(isRoute(generate, 'GET', '/v1beta/models/gemini-2.5-pro')).toBe(true);
  });

  it.each([
    'POST /v1beta/models/:generateContent',
    'POST /v1beta/models/..:generateContent',
    'POST /v1beta/models/a/b:generateContent',
    'POST /v1beta/models/a%2Fb:generateContent',
    'POST /v1beta/models/a:predict:generateContent',
    'POST /v1beta/models/a:batchGenerateContent',
    'POST /v1beta/models/a:generateContent/b',
    'GET /v1beta/models/a:generateContent/b',
    'GET /v1beta/models/',
    'DELETE /v1beta/models/a',
  ])('does not stand for %s', (request) => {
    const [method = '', path = ''] = request.split(' ');
    expect(isRoute(generate, method, path)).toBe(false);
  });
});

it('the model of the Gemini API is the last part of the path, without the call', () => {
  expect(readPathModel('/v1beta/models/gemini-2.5-pro:streamGenerateContent')).toBe('gemini-2.5-pro');
  expect(readPathModel('/v1beta/models/gemini-2.5-pro')).toBe('gemini-2.5-pro');
  expect(readPathModel('/v1beta/models')).toBe('');
});

it('a count of tokens costs none', () => {
  const counted = (path: string) => isCounted({ method: 'POST' }, path);
  expect(['/v1/messages', '/v1beta/models/a:generateContent', '/chat/completions'].map(counted)).toEqual([
    true,
    true,
    true,
  ]);
  expect(['/v1/messages/count_tokens', '/v1beta/models/a:countTokens'].map(counted)).toEqual([false, false]);
});

it('a query of the Gemini API loses the key that the agent has', () => {
  expect(toUpstreamQuery(upstream('gemini'), 'alt=sse&key=placeholder')).toBe('alt=sse');
  expect(toUpstreamQuery(upstream('openai'), 'key=a&x=b%20c')).toBe('key=a&x=b%20c');
});

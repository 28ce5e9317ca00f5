import { expect, it } from 'vitest';
import { toPlainPath } from './plain-path.js';

it.each([
  ['//v1/messages', '/v1/messages'],
  ['///v1//messages//?beta=true', '/v1/messages/?beta=true'],
  ['/v1/v1/messages', '/v1/messages'],
  ['//v1//v1//messages/count_tokens', '/v1/messages/count_tokens'],
  ['/v1/v1/v1/messages', '/v1/v1/messages'],
  ['//api//sessions', '/api/sessions'],
  ['//', '/'],
])('%s means %s', (url, meant) => expect(toPlainPath(url)).toBe(meant));

it.each([
  '/v1/messages',
  '/v1/v1',
  '/v1/models/v1/x?next=//evil//',
  '/v1/messages?url=https://a//b',
  '/api/session/a%2F%2Fb',
  'http://other//v1/messages',
  '*',
])('%s has its query, its encoded slashes and its host as they are', (url) => {
  expect(toPlainPath(url)).toBe(url);
});

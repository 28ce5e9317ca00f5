import { expect, it } from 'vitest';
import { parseView, toHash, type View } from './location.js';

it.each<View>([
  { name: 'threads' },
  { name: 'keys' },
  { name: 'usage' },
  { name: 'nodes' },
  { name: 'policy', subject: { of: 'tenant', id: 'a.b/c' } },
  { name: 'policy', subject: { of: 'key', id: 'key_1' } },
  { name: 'thread', key: 'slack:C1/2#3 ü' },
])('a link leads to its view: %j', (view) => {
  expect(parseView(toHash(view))).toEqual(view);
});

it.each([
  '',
  '#',
  '#/',
  '#/elsewhere',
  '#/thread',
  '#/thread/',
  '#/thread/%E0%A4%A',
  '#/policy',
  '#/policy/tenant',
  '#/policy/tenant/',
  '#/policy/all/x',
])('the list of threads is shown for any other address: %j', (hash) => {
  expect(parseView(hash)).toEqual({ name: 'threads' });
});

import { chance, type Random, weighted } from '../draw.js';
import { oddString } from './odd.js';
import { ODD_QUERY_VALUES } from './session-requests.js';

/** A method and where it goes. */
export interface Route {
  readonly method: string;
  readonly target: string;
}

/** A look at the models, with a query that may make no sense. */
export function modelsRoute(random: Random): Route {
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST']);
  if (chance(random, 0.4)) return { method, target: `/v1/models/${modelId(random)}` };
  const names = ['limit', 'after_id', 'before_id', 'lifecycle', 'lifecycle[]', 'beta', '__proto__'];
  const query = Array.from({ length: random.pick([0, 1, 2, 3]) }, () => {
    const value = random.pick([...ODD_QUERY_VALUES, 'demo', '1', '1000', 'active', 'retired']);
    return `${random.pick(names)}=${value}`;
  });
  return { method, target: `/v1/models${query.length === 0 ? '' : `?${query.join('&')}`}` };
}

function modelId(random: Random): string {
  const odd = encodeURIComponent(Buffer.from(oddString(random).slice(0, 2000)).toString());
  return random.pick([
    'demo',
    'demo%2Fx',
    'claude-opus-5-5',
    '%E0%A4%A',
    '%',
    '..',
    '__proto__',
    odd,
    'm'.repeat(5000),
  ]);
}

/** An attempt to cancel a message's turn. */
export function cancelRoute(random: Random, messageIds: readonly string[]): Route {
  const known = messageIds.length === 0 ? 'msg_none' : random.pick(messageIds);
  const id = random.pick([known, known, 'msg_none', '%00', '%ff', '__proto__', 'm'.repeat(4000), "'or'1'='1"]);
  return { method: random.pick(['POST', 'POST', 'POST', 'GET', 'DELETE']), target: `/v1/messages/${id}/cancel` };
}

const METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'POST',
  'PROPFIND',
  'MKCOL',
  'LOCK',
  'SEARCH',
  'QUERY',
  'PURGE',
  'REPORT',
  'SOURCE',
];

const TARGETS = [
  '/',
  '/health',
  '/healthz',
  '/readyz',
  '/metrics',
  '/docs',
  '/docs/swagger-ui-init.js',
  '/openapi.json',
  '/openapi.yaml',
  '/api/hello',
  '/api/session',
  '/api/sessions/x',
  '/v1',
  '/v1/',
  '/v1/v1/messages',
  '/v1/v1/models',
  '/v1//messages',
  '//v1/messages',
  '/V1/MESSAGES',
  '/v1/messages/',
  '/v1/messages?beta=true',
  '/v1/messages?beta=true&beta=false&__proto__=1&a[b][c]=d',
  '/v1/messages/count_tokens',
  '/v1/messages/batches',
  '/v1/messages/x/y/z',
  '/v1/messages/%2e%2e/models',
  '/v1/messages/../models',
  '/v1/files',
  '/v1/files?limit=0&after_id=x&ids[]=%00',
  '/v1/files/file_00000000000000000000000000000000',
  '/v1/files/..%2f..%2fchiron.sqlite/content',
  '/v1/files/%00/content',
  '/v1/complete',
  '/v1/responses',
  '/v1/chat',
  '/v1/chat/completions',
  '/v1/chat/completions/x',
  '/%ff',
  '/%',
  '/..%2f..%2f..%2fetc%2fpasswd',
  '/.env',
  '/\u00e9\u00ff',
  '/?',
  '/#',
  '/;x=y',
  '*',
  'http://127.0.0.1/v1/models',
  'http://example.com/v1/messages',
  `/${'a/'.repeat(2000)}`,
  `/v1/models?${'a=b&'.repeat(1500)}`,
];

/** A method on a path that has no meaning for it, or none at all. */
export function oddRoute(random: Random): Route {
  return { method: random.pick(METHODS), target: random.pick(TARGETS) };
}

/** What asks whether the server is well. */
export function openRoute(random: Random): Route {
  return weighted<Route>(random, [
    [2, { method: 'GET', target: '/healthz' }],
    [1, { method: 'GET', target: '/readyz' }],
    [1, { method: 'HEAD', target: '/api/hello' }],
    [1, { method: 'HEAD', target: '/' }],
  ]);
}

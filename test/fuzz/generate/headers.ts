import { below, chance, maybe, type Random, weighted } from '../draw.js';
import { type Header, type KeyState, LOCAL_TENANT } from '../request.js';

/** A key of the server, and whose it is. */
export interface ApiKey {
  readonly tenant: string;
  readonly key: string;
}

/** Who a request says that it is from. */
export interface Credentials {
  readonly headers: readonly Header[];
  readonly key: KeyState;
  readonly tenant: string;
}

/** A key of the server, in one of the two ways in which SDKs carry it. */
export function goodKey(random: Random, keys: readonly ApiKey[]): Credentials {
  if (keys.length === 0) return { headers: [], key: 'open', tenant: LOCAL_TENANT };
  const { key, tenant } = random.pick(keys);
  const headers = random.pick<readonly Header[]>([
    [['x-api-key', key]],
    [['Authorization', `Bearer ${key}`]],
    [
      ['authorization', `bearer ${key}`],
      ['X-Api-Key', key],
    ],
  ]);
  return { headers, key: 'good', tenant };
}

/** Mostly a key of the server, else none, a wrong one, or one that is carried in an odd way. */
export function someKey(random: Random, keys: readonly ApiKey[]): Credentials {
  if (keys.length === 0 || chance(random, 0.88)) return goodKey(random, keys);
  const { key, tenant } = random.pick(keys);
  return random.pick<Credentials>([
    { headers: [], key: 'bad', tenant },
    { headers: [['x-api-key', '']], key: 'bad', tenant },
    { headers: [['x-api-key', key.slice(0, -1)]], key: 'bad', tenant },
    { headers: [['x-api-key', `${key}x`]], key: 'bad', tenant },
    { headers: [['x-api-key', 'k'.repeat(8000)]], key: 'bad', tenant },
    { headers: [['authorization', key]], key: 'bad', tenant },
    { headers: [['authorization', `Basic ${key}`]], key: 'bad', tenant },
    { headers: [['authorization', `Bearer${' '.repeat(5000)}`]], key: 'bad', tenant },
    { headers: [['authorization', `Bearer ${'\u00ff'.repeat(50)}`]], key: 'bad', tenant },
    { headers: [['authorization', `Bearer \t ${key} `]], key: 'unclear', tenant },
    {
      headers: [
        ['x-api-key', key],
        ['x-api-key', 'another'],
      ],
      key: 'bad',
      tenant,
    },
    {
      headers: [
        ['x-api-key', 'another'],
        ['authorization', `Bearer ${key}`],
      ],
      key: 'unclear',
      tenant,
    },
  ]);
}

/** Headers that real clients send, and that mean nothing for the answer. */
export function clientHeaders(random: Random): readonly Header[] {
  const fields: Readonly<Record<string, string>> = {
    ...maybe(random, 0.8, () => ({ 'content-type': 'application/json' })),
    ...maybe(random, 0.6, () => ({ 'anthropic-version': random.pick(['2023-06-01', '2026-10-21', '2031-01-01']) })),
    ...maybe(random, 0.3, () => ({ 'anthropic-beta': 'message-threads-2026-08-12,effort-2025-11-24' })),
    ...maybe(random, 0.3, () => ({ 'user-agent': 'Anthropic/JS 1.12.0', 'x-stainless-retry-count': '0' })),
    ...maybe(random, 0.2, () => ({ 'accept-encoding': 'gzip, deflate, br, zstd', accept: 'application/json' })),
    ...maybe(random, 0.1, () => ({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })),
  };
  return Object.entries(fields);
}

/** Claude Code's own: such a request may be a side request. */
export function claudeCodeHeaders(random: Random): readonly Header[] {
  const fields: Readonly<Record<string, string>> = {
    'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)',
    'x-app': 'cli',
    'x-claude-code-session-id': `fuzz-${below(random, 40)}`,
    ...maybe(random, 0.2, () => ({ 'x-claude-code-agent-id': 'a1' })),
  };
  return Object.entries(fields);
}

/** The header that names one of a few threads, so that many requests meet on them. */
export function threadHeader(random: Random): readonly Header[] {
  return [['x-chiron-thread-key', `fuzz:${random.pick(['a', 'b', 'c'])}${below(random, 15)}`]];
}

const ODD_HEADER_VALUES = [
  '',
  ' ',
  ',',
  '""',
  '\t\t',
  '0',
  '-1',
  'null',
  '[]',
  '{"a":1}',
  '\u00ff\u00fe',
  '\u00e9',
  // UTF-8, as its bytes.
  Buffer.from('fuzz:漢字🙂').toString('latin1'),
  Buffer.from('fuzz:\u2028').toString('latin1'),
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00%0a',
  ':',
  'fuzz:',
  ':fuzz',
  'fuzz:a b',
  `fuzz:${'k'.repeat(506)}`,
  `fuzz:${'k'.repeat(510)}`,
  'x'.repeat(3000),
  'a;b="c',
  '2023-06-01',
  'true',
  'mcp',
  'none',
];

const ODD_HEADER_NAMES = [
  'anthropic-version',
  'anthropic-beta',
  'x-chiron-thread-key',
  'x-centaur-thread-key',
  'x-claude-code-session-id',
  'x-claude-code-agent-id',
  'idempotency-key',
  'x-chiron-tool-blocks',
  'traceparent',
  'tracestate',
  'baggage',
  'user-agent',
  'x-app',
  'accept',
  'accept-encoding',
  'x-stainless-timeout',
  'x-stainless-helper-method',
  'last-event-id',
  'cookie',
  'range',
  'if-none-match',
  'if-modified-since',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-http-method-override',
  'upgrade',
  'te',
  'via',
  'origin',
  'sec-fetch-site',
  'referer',
  'date',
  '__proto__',
];

/** Headers with values that they should not have. */
export function oddHeaders(random: Random): readonly Header[] {
  return Array.from({ length: 1 + below(random, 4) }, () =>
    weighted<() => Header>(random, [
      [12, () => [random.pick(ODD_HEADER_NAMES), random.pick(ODD_HEADER_VALUES)]],
      [2, () => ['idempotency-key', `again-${below(random, 30)}`]],
      [2, () => ['x-chiron-tool-blocks', random.pick(['text', 'server', 'none', 'mcp', 'auto', 'TEXT', 'blocks'])]],
      [1, () => ['content-type', random.pick(ODD_CONTENT_TYPES)]],
      [1, () => ['expect', random.pick(['100-continue', '100-Continue', 'the-worst'])]],
    ])(),
  );
}

/** Content types that do not say what the body is. */
export const ODD_CONTENT_TYPES = [
  'text/plain',
  'application/json; charset=utf-16',
  'application/json; charset="no-such"',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json, application/json',
  'application/octet-stream',
  '/',
  ';',
];

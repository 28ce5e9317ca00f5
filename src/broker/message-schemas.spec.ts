import { describe, expect, it } from 'vitest';
import { parseFromBroker, parseToBroker } from './message-schemas.js';
import type { FromBroker, Listening, ToBroker, Upstream } from './protocol.js';

const UPSTREAM: Required<Upstream> = {
  prefix: 'p',
  baseUrl: 'https://a',
  headers: { a: 'b' },
  login: {
    program: 'P',
    file: '/f',
    accessToken: ['a'],
    headers: { h: ['b'] },
    renewal: {
      url: 'https://b',
      form: { c: 'd' },
      refreshToken: ['r'],
      expiresAt: ['e'],
      renewedAt: ['w'],
      kept: { id_token: ['i'] },
    },
  },
  addedValues: { a: 'b' },
  routes: ['GET /'],
  answers: 'openai',
};
const host = { kind: 'name', host: 'h', ports: [443] } as const;
const value = { kind: 'value', value: 's' } as const;

/** One message of each form, with everything that it can have. */
const TO_BROKER: readonly ToBroker[] = [
  {
    type: 'configure',
    id: 1,
    config: {
      upstreams: [UPSTREAM],
      spareLogins: '/s',
      proxies: { HTTPS_PROXY: 'http://p' },
      egress: {
        network: 'open',
        allowedHosts: [host],
        credentials: [
          { host, form: { kind: 'bearer', secret: { kind: 'file', path: '/f' } }, paths: ['/'], methods: ['GET'] },
          { host, form: { kind: 'basic', user: 'u', secret: value }, paths: [], methods: [] },
          { host, form: { kind: 'header', name: 'n', secret: value }, paths: [], methods: [] },
        ],
        ca: { cert: 'c', key: 'k' },
      },
      allowedModels: ['m'],
      turnTokenLimit: 0,
    },
  },
  ...(
    [
      { kind: 'socket', path: '/s', owner: 1 },
      { kind: 'loopback', token: 't', port: 1 },
    ] as const
  ).map((listening: Listening): ToBroker => ({ type: 'open', id: 2, threadId: 't', listening })),
  { type: 'close', threadId: 't' },
  {
    type: 'turn',
    threadId: 't',
    turnId: 'u',
    hostLimits: [{ source: 'this key', allowedHosts: [host] }],
    traceparent: '00',
    isUnderway: false,
  },
  { type: 'count', id: 3, turnId: 'u' },
];
const FROM_BROKER: readonly FromBroker[] = [
  {
    type: 'done',
    id: 1,
    port: 2,
    tokens: [
      {
        model: 'm',
        inputTokens: 1,
        outputTokens: 0,
        cacheReadInputTokens: 0,
        cacheCreationInputTokens: 0,
        cacheCreation1hInputTokens: 0,
      },
    ],
  },
  { type: 'failed', id: 1, problem: 'p' },
  { type: 'refused', threadId: 't', what: 'w' },
  { type: 'notice', what: 'w' },
];

/** All copies of a value in which one part has become a list of nothing that belongs there. */
function spoil(part: unknown): readonly unknown[] {
  const wrong = [[[]]];
  if (Array.isArray(part)) {
    return [null, ...part.flatMap((each, index) => spoil(each).map((spoiled) => part.with(index, spoiled)))];
  }
  if (typeof part !== 'object' || part === null) return wrong;
  const within = Object.entries(part).flatMap(([key, each]) =>
    spoil(each).map((spoiled) => ({ ...part, [key]: spoiled })),
  );
  return [...wrong, ...within];
}

describe.each([
  ['to the broker', parseToBroker, TO_BROKER],
  ['of the broker', parseFromBroker, FROM_BROKER],
] as const)('A message %s', (_, parse, messages: readonly { readonly type: string }[]) => {
  it.each(messages)('is read as it was sent: $type', (message) => {
    const received: unknown = JSON.parse(JSON.stringify(message));
    expect(parse(received)).toEqual({ kind: 'message', message });
  });

  it.each(messages)('is malformed with any wrong part: $type', (message) => {
    const copies = spoil(message);
    expect(copies.length).toBeGreaterThan(2);
    expect(copies.filter((copy) => parse(copy).kind === 'message')).toEqual([]);
  });

  it.each(messages)('is malformed without a part that it needs: $type', (message) => {
    const { type, ...rest } = message;
    expect(parse(rest)).toMatchObject({ kind: 'malformed', problem: 'its type is unknown' });
    expect(parse({ type })).toMatchObject({ kind: 'malformed' });
  });
});

it('What is wrong with a message is said by its place, without a value', () => {
  const secret = { type: 'configure', id: 7, config: { upstreams: [{ ...UPSTREAM, headers: { a: ['secret'] } }] } };
  expect(
    parseToBroker({ ...TO_BROKER[0], config: { ...Object(TO_BROKER[0]).config, upstreams: secret.config.upstreams } }),
  ).toEqual({
    kind: 'malformed',
    problem: 'configure: #/config/upstreams/0/headers/a (type)',
    id: 1,
  });
  for (const odd of [null, undefined, 'text', 3, []]) expect(parseFromBroker(odd).kind).toBe('malformed');
});

import { expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { ask } from '../support/requests.js';
import { ConformanceServer, expectError } from './support/server.js';

const { apiKeys } = readConfig({ CHIRON_API_KEYS: 'team:the-key-that-is-long-enough' });
const server = new ConformanceServer({ apiKeys });

const OLD = { 'anthropic-version': '2023-06-01', 'x-api-key': 'the-key-that-is-long-enough' };
const NEW = { 'anthropic-version': '2026-10-21', authorization: 'Bearer the-key-that-is-long-enough' };

const DIALECTS = [
  ['2023-06-01 with x-api-key', OLD],
  ['2026-10-21 with Authorization: Bearer', NEW],
] as const;

it.each(DIALECTS)('A.0 %s is answered, streamed and unstreamed', async (_, dialect) => {
  const { message } = await server.answer(
    `dialect ${dialect['anthropic-version']}`,
    (run) => run.answer('yes'),
    {},
    dialect,
  );
  expect(message.content).toMatchObject([{ type: 'text', text: 'yes' }]);
});

it('A.0 a key in both headers, as an apiKeyHelper sends it, is accepted', async () => {
  await server.post(ask('hi'), { ...OLD, ...NEW }).expect(200);
});

it('A.0 a version header without a key is rejected', async () => {
  expectError(await server.post(ask('hi'), { 'anthropic-version': '2026-10-21' }), 401, 'authentication_error');
});

it.each([
  ['from the future', { 'anthropic-version': '2031-01-01' }],
  ['that is not a date', { 'anthropic-version': 'latest' }],
  ['that is missing', {}],
])('A.0 a version %s is accepted', async (_, version) => {
  await server.post(ask('hi'), { 'x-api-key': 'the-key-that-is-long-enough', ...version }).expect(200);
});

it.each(DIALECTS)('A.0 %s accepts sampling parameters, which only one version has', async (_, dialect) => {
  await server.post(ask('hi', { temperature: 0.2, top_p: 0.9, top_k: 40 }), dialect).expect(200);
});

it.each(DIALECTS)('A.0 %s accepts system messages in messages', async (_, dialect) => {
  const messages = [
    { role: 'system', content: 'Before.' },
    { role: 'user', content: 'with a system message' },
    { role: 'system', content: [{ type: 'text', text: 'After.' }] },
  ];
  await server.post(ask('', { messages }), dialect).expect(200);
});

it.each(DIALECTS)('A.0 %s accepts history that only 2026-10-21 forbids', async (_, dialect) => {
  const document = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' } };
  const messages = [
    { role: 'user', content: [{ type: 'text', text: 'a', citations: [{ type: 'char_location' }] }] },
    { role: 'assistant', content: [document] },
    { role: 'user', content: 'and then?' },
  ];
  await server.post(ask('', { messages }), dialect).expect(200);
});

it('A.0 the query ?beta=true changes nothing', async () => {
  const answer = (query: string) =>
    fetch(`${server.url}/v1/messages${query}`, {
      method: 'POST',
      headers: { ...NEW, 'idempotency-key': 'with or without' },
      body: JSON.stringify(ask('queried')),
    }).then((response) => response.text());
  expect(await answer('?beta=true')).toBe(await answer(''));
  expect(server.harness.runsOf('queried')).toHaveLength(1);
});

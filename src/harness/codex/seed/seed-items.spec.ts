import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/harness-event.js';
import type { SeedMessage } from '../../../domain/seed/seed-message.js';
import type { RolloutLine } from '../record/rollout-lines.js';
import { countSeeded, toSeedItems } from './seed-items.js';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } } as const;
const itemsOf = (...messages: readonly SeedMessage[]) => toSeedItems(messages, '/uploads').items;

describe('An earlier conversation', () => {
  it('is a list of messages with their roles and parts', () => {
    expect(
      itemsOf({ role: 'user', content: [text('Look'), image] }, { role: 'assistant', content: [text('I see'), image] }),
    ).toEqual([
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Look' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
        ],
      },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'I see' },
          { type: 'output_text', text: '[An image]' },
        ],
      },
    ]);
  });

  it('has calls in their place, and their outputs under the same id', () => {
    const id = 'toolu_'.padEnd(80, 'x');
    const call = (name: string, server: string, callId: string) =>
      ({ type: 'tool-call', id: callId, name, server, input: { a: 1 } }) as const;
    const items = itemsOf(
      {
        role: 'assistant',
        content: [
          text('First'),
          call('mcp__x', 'caller', id),
          text('then'),
          call('Bash', 'agent', 'b'),
          call('read', 'notes', 'c'),
        ],
      },
      { role: 'user', content: [{ type: 'tool-result', id, content: [text('one')], isError: false }, text('Go on')] },
    );
    expect(items.map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'message',
      'function_call',
      'function_call',
      'function_call_output',
      'message',
    ]);
    expect(items[1]).toMatchObject({
      namespace: 'caller',
      name: expect.stringMatching(/^_mcp__x_/),
      arguments: '{"a":1}',
    });
    expect(items[3]).toEqual({ type: 'function_call', call_id: 'b', name: 'Bash', arguments: '{"a":1}' });
    expect(items[4]).toMatchObject({ name: 'mcp__notes__read' });
    expect(items[1]?.['call_id']).toMatch(/^[0-9a-f]{64}$/);
    expect(items[5]?.['call_id']).toBe(items[1]?.['call_id']);
  });

  it('has files for what Codex does not take', () => {
    const { items, uploads } = toSeedItems([{ role: 'user', content: [pdf] }], '/uploads');
    expect(uploads).toHaveLength(1);
    expect(JSON.stringify(items)).toContain(uploads[0]?.path);
  });
});

describe('What a recording has of an earlier conversation', () => {
  const items = itemsOf(
    { role: 'user', content: [text('One')] },
    { role: 'assistant', content: [{ type: 'tool-call', id: 'c', name: 'n', server: 'caller', input: {} }] },
    { role: 'user', content: [{ type: 'tool-result', id: 'c', content: [text('Two')], isError: false }] },
  );
  const lineOf = (payload: JsonObject): RolloutLine => ({ offset: 0, ordinal: 0, type: 'response_item', payload });
  const recorded = items.map((item) => lineOf({ ...item, id: 'added' }));
  const other = lineOf({ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Other' }] });

  it.each([
    ['nothing', [], 0],
    ['something else', [other], 0],
    ['all of it', recorded, 3],
    ['all of it, and more since', [other, ...recorded, other], 3],
    ['its beginning', [other, ...recorded.slice(0, 2)], 2],
    ['the beginning of something like it', [...recorded.slice(0, 2), other], 0],
  ])('is counted when it is %s', (_, lines, count) => {
    expect(countSeeded(lines, items)).toBe(count);
  });
});

import { describe, expect, it } from 'vitest';
import { asObject } from '../../../domain/json.js';
import type { SeedBlock, SeedMessage } from '../../../domain/seed/seed-message.js';
import { toSeedEntries, toSeedUuid } from './seed-entries.js';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const call = (server: string, name: string): SeedBlock => ({ type: 'tool-call', id: name, name, server, input: {} });
const messageOf = (message: SeedMessage) => toSeedEntries([message], 'turn').map((entry) => asObject(entry['message']));

describe('the entries of a seed', () => {
  it('have one entry for each block of the model, which share the id of their message', () => {
    const [first, second] = messageOf({ role: 'assistant', content: [text('a'), call('agent', 'Bash')] });
    expect(first).toMatchObject({ role: 'assistant', stop_reason: 'tool_use', content: [text('a')] });
    expect(second?.['content']).toEqual([{ type: 'tool_use', id: 'Bash', name: 'Bash', input: {} }]);
    expect(second?.['id']).toBe(first?.['id']);
  });

  it('name tools as the model would be offered them', () => {
    const names = messageOf({
      role: 'assistant',
      content: [call('caller', 'a.b'), call('docs', 'find'), call('agent', 'Bash'), call('agent', 'odd name')],
    }).map(({ content }) => asObject(Array.isArray(content) ? content[0] : {})['name']);
    expect(names).toEqual([
      expect.stringMatching(/^mcp__caller__a_b_[0-9a-f]{8}$/),
      'mcp__docs__find',
      'Bash',
      expect.stringMatching(/^odd_name_[0-9a-f]{8}$/),
    ]);
  });

  it('have results before other blocks, as the model’s provider wants', () => {
    const result = { type: 'tool-result', id: 'c1', content: [text('ok')], isError: true } as const;
    expect(messageOf({ role: 'user', content: [text('and'), result] })).toEqual([
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'c1', content: [text('ok')], is_error: true }, text('and')],
      },
    ]);
  });

  it('have no empty texts, and no empty messages', () => {
    expect(messageOf({ role: 'user', content: [text(''), text('a')] })).toMatchObject([{ content: [text('a')] }]);
    expect(messageOf({ role: 'user', content: [text('')] })).toMatchObject([{ content: [text('(no content)')] }]);
    expect(messageOf({ role: 'assistant', content: [text('')] })).toMatchObject([{ content: [text('(no content)')] }]);
  });

  it('are found again by their turn', () => {
    const seed: readonly SeedMessage[] = [{ role: 'user', content: [text('a')] }];
    expect(toSeedEntries(seed, 'turn')[0]?.['uuid']).toBe(toSeedUuid('turn', 0));
    expect(toSeedUuid('turn', 0)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(toSeedUuid('turn', 0)).not.toBe(toSeedUuid('turn', 1));
    expect(toSeedUuid('turn', 0)).not.toBe(toSeedUuid('other', 0));
  });
});

import { describe, expect, it } from 'vitest';
import {
  extractTokenInput,
  IMAGE_TOKENS,
  MAX_VALUES,
  MESSAGE_TOKENS,
  PAGE_BYTES,
  PAGE_TOKENS,
  REQUEST_TOKENS,
  TOOL_USE_TOKENS,
} from './token-input.js';

const FRAME = REQUEST_TOKENS + MESSAGE_TOKENS;
const user = (...content: readonly unknown[]) => ({ messages: [{ role: 'user', content }] });

describe('the token input of a request', () => {
  it('has the system prompt, the tools and the messages, in this order', () => {
    const { text, fixedTokens, scale } = extractTokenInput({
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: [{ type: 'text', text: 'hi', citations: null }] },
        { role: 'system', content: 'Reminder.' },
      ],
    });
    expect(text.split('\n')).toEqual([
      'Be kind.',
      'name',
      'look',
      'input_schema',
      'type',
      'object',
      'hello',
      'hi',
      'Reminder.',
    ]);
    const brackets = 2;
    expect(fixedTokens).toBe(REQUEST_TOKENS + 3 * MESSAGE_TOKENS + TOOL_USE_TOKENS + brackets);
    expect(scale).toBe(1);
  });

  it('has the inputs and results of tools, and thinking', () => {
    const { text } = extractTokenInput(
      user(
        { type: 'thinking', thinking: 'hmm', signature: 'c2lnbmVk' },
        { type: 'tool_use', id: 'toolu_1', name: 'run', input: { type: 'image', cmd: ['ls', 5, true, null] } },
        { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'out' }], is_error: false },
        { type: 'tool_result', tool_use_id: 'toolu_1', content: 'plain' },
      ),
    );
    expect(text.split('\n')).toEqual([
      'hmm',
      'run',
      'type',
      'image',
      'cmd',
      'ls',
      '5',
      'true',
      'out',
      'false',
      'plain',
    ]);
  });

  it.each([
    ['a picture', { type: 'image', source: { type: 'base64', data: 'x'.repeat(9999) } }, IMAGE_TOKENS],
    ['a picture in a result', { type: 'tool_result', content: [{ type: 'image', source: {} }] }, IMAGE_TOKENS],
    ['a small PDF', { type: 'document', source: { type: 'base64', data: 'aaaa' } }, PAGE_TOKENS],
    ['a PDF of three pages', pdf(PAGE_BYTES * 3), 3 * PAGE_TOKENS],
    ['a PDF elsewhere', { type: 'document', source: { type: 'url', url: 'https://x' } }, PAGE_TOKENS],
    ['sealed thinking', { type: 'redacted_thinking', data: 'x'.repeat(160) }, 30],
    ['thinking that was not shown', { type: 'thinking', thinking: '', signature: 'x'.repeat(160) }, 30],
    ['a sealed search result', { type: 'web_search_result', encrypted_content: 'x'.repeat(160) }, 30],
  ])('has an estimate of %s, not its bytes', (_, block, tokens) => {
    expect(extractTokenInput(user(block))).toEqual({ text: '', fixedTokens: FRAME + tokens, scale: 1 });
  });

  it.each([
    ['text', { type: 'text', data: 'whole text' }],
    ['blocks', { type: 'content', content: [{ type: 'text', text: 'whole text' }] }],
  ])('has the text of a document of %s, with its title', (_, source) => {
    const { text, fixedTokens } = extractTokenInput(user({ type: 'document', title: 'T', context: 'C', source }));
    expect(text).toBe('T\nC\nwhole text');
    expect(fixedTokens).toBe(FRAME);
  });

  it('has no deferred tools', () => {
    const tools = [{ name: 'later', defer_loading: true }];
    expect(extractTokenInput({ ...user(), tools })).toEqual({ text: '', fixedTokens: FRAME, scale: 1 });
  });

  it('has the texts of unknown blocks', () => {
    expect(extractTokenInput(user({ type: 'from_the_future', said: { deep: ['words'] } })).text).toBe('words');
  });

  it.each([null, 5, 'text', [], {}, { content: 7 }])('accepts %j as a message', (message) => {
    expect(extractTokenInput({ messages: [message] }).scale).toBe(1);
  });

  it('is found in JSON of any depth', () => {
    const deep: unknown = JSON.parse(`${'[{"a":'.repeat(60_000)}"end"${'}]'.repeat(60_000)}`);
    const { text } = extractTokenInput(user({ type: 'tool_use', name: 'n', input: deep }));
    expect(text).toMatch(/^n\na\na\n/);
    expect(text).toMatch(/\na\nend$/);
  });

  it('is extrapolated for requests with too many values', () => {
    const input = Array.from({ length: MAX_VALUES * 4 }, () => 'w');
    const { text, scale } = extractTokenInput(user({ type: 'tool_use', name: 'n', input }));
    expect(text.length).toBeLessThanOrEqual(MAX_VALUES * 2);
    expect(scale).toBeCloseTo(4, 2);
    const wide = Object.fromEntries(input.map((value, index) => [`k${index}`, value]));
    expect(extractTokenInput(user({ type: 'tool_use', name: 'n', input: wide })).scale).toBeCloseTo(8, 2);
  });
});

function pdf(bytes: number): unknown {
  return { type: 'document', source: { type: 'base64', data: 'a'.repeat((bytes * 4) / 3) } };
}

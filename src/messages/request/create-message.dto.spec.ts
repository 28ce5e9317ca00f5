import { describe, expect, it } from 'vitest';
import { parseCreateMessage } from './create-message.dto.js';

const GOOD = { model: 'm', max_tokens: 0, messages: [{}] };

const many = (length: number): readonly object[] => Array.from({ length }, () => ({}));

describe('the body of a request', () => {
  it('keeps the fields that are used and drops the others', () => {
    const body = { ...GOOD, stream: true, temperature: 'hot', __proto__: { polluted: true }, constructor: 'x' };
    const request = parseCreateMessage(body);
    expect(Object.fromEntries(Object.entries(request))).toEqual({
      ...GOOD,
      stream: true,
      system: undefined,
      metadata: undefined,
      tools: undefined,
      output_config: undefined,
    });
  });

  it('does not validate the messages, however many there are', () => {
    const looked: string[] = [];
    const spy = new Proxy({}, { get: (_, name) => looked.push(String(name)) });
    parseCreateMessage({ ...GOOD, messages: Array.from({ length: 2000 }, () => spy) });
    expect(looked).toEqual([]);
  });

  it('is refused with too many messages', () => {
    expect(parseCreateMessage({ ...GOOD, messages: many(100_000) }).messages).toHaveLength(100_000);
    expect(() => parseCreateMessage({ ...GOOD, messages: many(100_001) })).toThrow(
      'messages: List should have at most 100000 items',
    );
  });

  it('is refused with the API’s own texts', () => {
    const problem = (more: object): string => {
      try {
        parseCreateMessage({ ...GOOD, ...more });
        return '';
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    expect(problem({ model: undefined })).toBe('model: Field required');
    expect(problem({ model: 5 })).toBe('model: Input should be a valid string');
    expect(problem({ model: '' })).toBe('model: String should have at least 1 character');
    expect(problem({ model: 'x'.repeat(257) })).toBe('model: String should have at most 256 characters');
    expect(problem({ max_tokens: undefined })).toBe('max_tokens: Field required');
    expect(problem({ max_tokens: null })).toBe('max_tokens: Input should be a valid integer');
    expect(problem({ max_tokens: '10' })).toBe('max_tokens: Input should be a valid integer');
    expect(problem({ max_tokens: -1 })).toBe('max_tokens: Input should be greater than or equal to 0');
    expect(problem({ messages: undefined })).toBe('messages: Field required');
    expect(problem({ messages: {} })).toBe('messages: Input should be a valid list');
    expect(problem({ messages: [] })).toBe('messages: at least one message is required');
    expect(problem({ stream: 'yes' })).toBe('stream: Input should be a valid boolean');
    expect(problem({ system: 5 })).toBe('system: Input should be a valid list');
    expect(problem({ thinking: [] })).toBe('thinking: Input should be a valid dictionary');
    expect(problem({ stop_sequences: 'x' })).toBe('stop_sequences: Input should be a valid list');
    expect(problem({ stop_sequences: ['x', 5, ' '] })).toBe('stop_sequences.1: Input should be a valid string');
    expect(problem({ stop_sequences: [' '] })).toBe('stop_sequences: each stop sequence must contain non-whitespace');
    expect(problem({ model: undefined, max_tokens: undefined, messages: 5 }).split('; ')).toEqual([
      'model: Field required',
      'max_tokens: Field required',
      'messages: Input should be a valid list',
    ]);
  });

  it.each([null, 5, 'text', [], undefined])('cannot be %j', (body) => {
    expect(() => parseCreateMessage(body)).toThrow('must be a JSON object');
  });
});

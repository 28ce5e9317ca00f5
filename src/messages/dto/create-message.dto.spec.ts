import { describe, expect, it } from 'vitest';
import { createMessageDto } from './create-message.dto.js';

const GOOD = { model: 'm', max_tokens: 0, messages: [{}] };

const many = (length: number): readonly object[] => Array.from({ length }, () => ({}));

describe('the body of a request', () => {
  it('keeps the fields that are used and drops the others', () => {
    const body = { ...GOOD, stream: true, temperature: 'hot', __proto__: { polluted: true }, constructor: 'x' };
    const request = createMessageDto(body);
    expect(Object.fromEntries(Object.entries(request))).toEqual({
      ...GOOD,
      stream: true,
      system: undefined,
      metadata: undefined,
      tools: undefined,
      output_config: undefined,
    });
  });

  it('does not look into the messages, however many there are', () => {
    const looked: string[] = [];
    const spy = new Proxy({}, { get: (_, name) => looked.push(String(name)) });
    createMessageDto({ ...GOOD, messages: Array.from({ length: 2000 }, () => spy) });
    expect(looked).toEqual([]);
  });

  it('may have so many messages, and not more', () => {
    expect(createMessageDto({ ...GOOD, messages: many(100_000) }).messages).toHaveLength(100_000);
    expect(() => createMessageDto({ ...GOOD, messages: many(100_001) })).toThrow(
      /^messages: must contain no more than/,
    );
  });

  it('is told what is wrong in the words that clients know', () => {
    expect(() => createMessageDto({ ...GOOD, model: 5 })).toThrow(/^model: (must be a string|should not be empty)/);
    expect(() => createMessageDto({ ...GOOD, system: 5 })).toThrow('system: must be a string or a list of blocks');
  });

  it.each([null, 5, 'text', [], undefined])('cannot be %j', (body) => {
    expect(() => createMessageDto(body)).toThrow('must be a JSON object');
  });
});

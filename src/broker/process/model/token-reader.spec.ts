import { describe, expect, it } from 'vitest';
import { TokenReader } from './token-reader.js';

const NONE = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  cacheCreation1hInputTokens: 0,
};

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

const ANTHROPIC_STREAM = [
  event('message_start', {
    message: {
      model: 'claude-a',
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 5,
        output_tokens: 1,
        cache_creation_input_tokens: 9,
        cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 4 },
      },
    },
  }),
  event('content_block_delta', {
    delta: { type: 'text_delta', text: 'the word "usage" and {"usage":{"output_tokens":9}}' },
  }),
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } }),
  event('message_stop', {}),
].join('');

const OPENAI_STREAM = [
  event('response.output_text.delta', { delta: 'ünï😀' }),
  event('response.completed', {
    response: {
      model: 'gpt-a',
      usage: { input_tokens: 100, input_tokens_details: { cached_tokens: 30 }, output_tokens: 7 },
    },
  }),
].join('');

function read(answers: 'anthropic' | 'openai', text: string, size: number, isStream = true) {
  const reader = new TokenReader(answers, isStream);
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) reader.push(bytes.subarray(start, start + size));
  reader.end();
  return reader.tokens;
}

describe('the tokens of an answer', () => {
  it.each([1, 7, 100, 100_000])('are those of a stream of Anthropic that comes in pieces of %i bytes', (size) => {
    expect(read('anthropic', ANTHROPIC_STREAM, size)).toEqual({
      ...NONE,
      model: 'claude-a',
      inputTokens: 10,
      cacheReadInputTokens: 5,
      cacheCreationInputTokens: 9,
      cacheCreation1hInputTokens: 4,
      outputTokens: 42,
    });
  });

  it.each([1, 7, 100, 100_000])('are those of a stream of OpenAI that comes in pieces of %i bytes', (size) => {
    expect(read('openai', OPENAI_STREAM, size)).toEqual({
      ...NONE,
      model: 'gpt-a',
      inputTokens: 70,
      cacheReadInputTokens: 30,
      outputTokens: 7,
    });
  });

  it('are known as far as a stream has come that is cut off', () => {
    expect(read('anthropic', ANTHROPIC_STREAM.slice(0, 300), 50)).toMatchObject({ inputTokens: 10, outputTokens: 1 });
    expect(read('openai', OPENAI_STREAM.slice(0, -20), 50)).toBeUndefined();
  });

  it('are those of an answer without a stream', () => {
    const message = { type: 'message', model: 'claude-a', usage: { input_tokens: 3, output_tokens: 4 } };
    expect(read('anthropic', JSON.stringify(message), 10, false)).toEqual({
      ...NONE,
      model: 'claude-a',
      inputTokens: 3,
      outputTokens: 4,
    });
    const response = { model: 'gpt-a', usage: { input_tokens: 3, output_tokens: 4 } };
    expect(read('openai', JSON.stringify(response), 10, false)).toMatchObject({ model: 'gpt-a', inputTokens: 3 });
  });

  it.each([
    '',
    'not JSON "usage"',
    '{"type":"error","error":{"message":"usage"}}',
    '["usage"]',
    '{"usage":{"input_tokens":-1}}',
  ])('are unknown for %j', (text) => {
    expect(read('anthropic', text, 10, false)).toBeUndefined();
    expect(read('openai', text, 10, false)).toBeUndefined();
  });
});

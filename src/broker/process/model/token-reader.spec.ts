import { describe, expect, it } from 'vitest';
import type { Upstream } from '../../protocol.js';
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

const chunk = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`;

const CHAT_STREAM = [
  chunk({ model: 'chat-a', choices: [{ delta: { content: 'the word "usage"' } }], usage: null }),
  chunk({
    model: 'chat-a',
    choices: [],
    usage: {
      prompt_tokens: 100,
      prompt_tokens_details: { cached_tokens: 30 },
      completion_tokens: 7,
      total_tokens: 107,
    },
  }),
  'data: [DONE]\n\n',
].join('');

const GEMINI_STREAM = [
  chunk({ candidates: [], modelVersion: 'gemini-a', usageMetadata: { promptTokenCount: 100, totalTokenCount: 100 } }),
  chunk({
    candidates: [{ content: { parts: [{ text: 'ünï😀' }] } }],
    modelVersion: 'gemini-a',
    usageMetadata: {
      promptTokenCount: 100,
      cachedContentTokenCount: 30,
      toolUsePromptTokenCount: 2,
      candidatesTokenCount: 7,
      thoughtsTokenCount: 5,
    },
  }),
].join('');

function read(answers: Upstream['answers'], text: string, size: number, isStream = true) {
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

  it.each([1, 7, 100, 100_000])('are those of a stream of Chat Completions in pieces of %i bytes', (size) => {
    expect(read('openai', CHAT_STREAM, size)).toEqual({
      ...NONE,
      model: 'chat-a',
      inputTokens: 70,
      cacheReadInputTokens: 30,
      outputTokens: 7,
    });
  });

  it.each([1, 7, 100, 100_000])('are those of a stream of Gemini in pieces of %i bytes', (size) => {
    expect(read('gemini', GEMINI_STREAM, size)).toEqual({
      ...NONE,
      model: 'gemini-a',
      inputTokens: 72,
      cacheReadInputTokens: 30,
      outputTokens: 12,
    });
  });

  it('are known as far as a stream has come that is cut off', () => {
    expect(read('anthropic', ANTHROPIC_STREAM.slice(0, 300), 50)).toMatchObject({ inputTokens: 10, outputTokens: 1 });
    expect(read('openai', OPENAI_STREAM.slice(0, -20), 50)).toBeUndefined();
  });

  it('are those of an answer without a stream', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    expect(read('openai', JSON.stringify({ model: 'chat-a', usage }), 10, false)).toMatchObject({
      model: 'chat-a',
      inputTokens: 3,
      outputTokens: 4,
    });
    const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4 };
    expect(read('gemini', JSON.stringify({ modelVersion: 'g', usageMetadata }), 10, false)).toMatchObject({
      model: 'g',
      inputTokens: 3,
      outputTokens: 4,
    });
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
    expect(read('gemini', text, 10, false)).toBeUndefined();
  });
});

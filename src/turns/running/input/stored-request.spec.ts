import { describe, expect, it } from 'vitest';
import { aThread, aTurn } from '../../../../test/support/stored.js';
import { forceStart } from '../../../translator/translate.js';
import { readPrompt, readSeed, toTranslateOptions, toStoredRequest } from './stored-request.js';

const CONTEXT = {
  inputTokens: 1,
  outputTokens: 2,
  cacheReadInputTokens: 3,
  cacheCreationInputTokens: 4,
  cacheCreation1hInputTokens: 3,
  thinkingTokens: 5,
};

describe(toTranslateOptions.name, () => {
  it('has the context usage of the thread when the turn was opened, also after it changed', () => {
    const turn = aTurn({ request: toStoredRequest(aThread({ contextUsage: CONTEXT })) });
    const later = aThread({ contextUsage: { ...CONTEXT, inputTokens: 99 }, harnessModel: 'model-of-the-thread' });
    expect(toTranslateOptions(turn, later)).toEqual({
      messageId: 'msg_1',
      model: 'model-of-the-thread',
      knownUsage: CONTEXT,
    });
  });

  it('has the model that answered the turn, also after its thread got another agent', () => {
    const [start] = forceStart({ phase: 'idle', options: { messageId: 'msg_1', model: 'm', knownUsage: null } })[1];
    const message = start?.type === 'message_start' ? start.message : undefined;
    const other = aThread({ harness: 'codex', harnessModel: 'gpt-5.5' });
    expect(toTranslateOptions(aTurn({ message }), other).model).toBe('m');
  });

  it('has no usage in a new thread', () => {
    for (const thread of [undefined, aThread()]) {
      expect(toTranslateOptions(aTurn({ request: toStoredRequest(thread) }), aThread()).knownUsage).toBeNull();
    }
  });

  it('reads what another version stored: fewer fields, or invalid ones', () => {
    const read = (contextUsage: string | object) =>
      toTranslateOptions(aTurn({ request: JSON.parse(JSON.stringify({ contextUsage })) }), aThread()).knownUsage;
    expect(read({ inputTokens: 7, outputTokens: 'many' })).toMatchObject({ inputTokens: 7, outputTokens: 0 });
    expect(read('none')).toBeNull();
    expect(toTranslateOptions(aTurn({ request: {} }), aThread()).knownUsage).toBeNull();
  });
});

describe(readSeed, () => {
  const seed = [{ role: 'user', content: [{ type: 'text', text: 'I am Ada' }] }] as const;

  it('is the seed that was stored with the turn', () => {
    const request = toStoredRequest(undefined, {}, { seed, isLost: false });
    expect(readSeed({ request })).toEqual(seed);
    expect(readSeed({ request: toStoredRequest(undefined) })).toEqual([]);
  });

  it('is part of the prompt if an older server stored it as a transcript', () => {
    const history = [{ type: 'text', text: '<user>\nI am Ada\n</user>\n' }] as const;
    expect(readSeed({ request: { history } })).toEqual([]);
    expect(readPrompt({ request: { history }, prompt: [] })).toContainEqual(history[0]);
  });
});

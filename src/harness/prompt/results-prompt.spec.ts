import { describe, expect, it } from 'vitest';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import type { Prompt } from '../../domain/prompt.js';
import { toResultsPrompt } from './results-prompt.js';

const text = (words: string): Prompt[number] => ({ type: 'text', text: words });
const resultOf = (callId: string, words: string, isError = false): CallerToolResult => ({
  callId,
  content: [text(words)],
  isError,
});

describe('the prompt of results whose calls are gone', () => {
  it('names each call that the log has, and then has what the user says', async () => {
    const calls = [{ type: 'caller-tool-call', id: 'c1', name: 'look_up', input: { at: 'sea' } }] as const;
    const prompt = await toResultsPrompt({
      prompt: [text('Hurry.')],
      toolResults: [resultOf('c1', 'Low tide.'), resultOf('c2', 'No ship.', true)],
      loadCallEvents: () => Promise.resolve(calls),
    });
    expect(prompt).toEqual([
      text('The caller\'s tool look_up, which you called with {"at":"sea"}, returned:'),
      text('Low tide.'),
      text('A tool of the caller that you called failed:'),
      text('No ship.'),
      text('Hurry.'),
    ]);
  });

  it('is what the user says for a turn without results, whose log is not read', async () => {
    const loadCallEvents = () => Promise.reject(new Error('not asked for'));
    expect(await toResultsPrompt({ prompt: [text('Go.')], loadCallEvents })).toEqual([text('Go.')]);
  });
});

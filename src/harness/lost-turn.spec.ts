import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../domain/harness-event.js';
import { recallTurn } from './lost-turn.js';

const prompt = [{ type: 'text', text: 'count the files' }] as const;
const EARLIER = [
  { role: 'user', content: [{ type: 'text', text: 'hello' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'hi' }] },
] as const;
const recall = () => Promise.resolve(EARLIER);
const CALL: HarnessEvent = { type: 'tool-call', id: 'a', name: 'Bash', server: 'agent', input: { command: 'ls' } };

describe('an agent without a record of its conversation', () => {
  it('is told the earlier turns, and gets the prompt', async () => {
    expect(await recallTurn({ attempt: 1, prompt, recall })).toEqual({ seed: EARLIER, prompt });
  });

  it('gets the prompt again when it had not done anything', async () => {
    const priorEvents: HarnessEvent[] = [{ type: 'session-started', sessionId: 'one' }];
    expect(await recallTurn({ attempt: 2, prompt, recall, priorEvents })).toEqual({ seed: EARLIER, prompt });
  });

  it('is told what it did in the same turn, with the results, and that a call without one may have had its effect', async () => {
    const priorEvents: HarnessEvent[] = [
      { type: 'text-delta', id: 't', text: 'I will ' },
      { type: 'text-delta', id: 't', text: 'look.' },
      { type: 'block-end', id: 't' },
      CALL,
      { type: 'tool-result', id: 'a', content: [{ type: 'text', text: 'one two' }], isError: false },
      { ...CALL, id: 'b' },
    ];
    const { seed, prompt: next } = await recallTurn({ attempt: 2, prompt, recall, priorEvents });
    expect(seed.slice(0, 2)).toEqual(EARLIER);
    expect(seed.slice(2).flatMap(({ role, content }) => content.map((block) => [role, block]))).toEqual([
      ['user', prompt[0]],
      ['assistant', { type: 'text', text: 'I will look.' }],
      ['assistant', { type: 'tool-call', id: 'a', name: 'Bash', server: 'agent', input: { command: 'ls' } }],
      ['user', { type: 'tool-result', id: 'a', content: [{ type: 'text', text: 'one two' }], isError: false }],
      ['assistant', { type: 'tool-call', id: 'b', name: 'Bash', server: 'agent', input: { command: 'ls' } }],
      ['user', expect.objectContaining({ type: 'tool-result', id: 'b', isError: true })],
    ]);
    expect(next).not.toEqual(prompt);
  });
});

import { describe, expect, it } from 'vitest';
import { stripRecoveryMessages } from './stream-recovery.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });
const CUT_OFF =
  'Your response above was cut off mid-stream. Resume directly from where it stops — no apology, no recap. If none of it survived, answer the request from the start.';

describe(stripRecoveryMessages.name, () => {
  it('leaves an ordinary conversation alone', () => {
    const messages = [user('one'), assistant('two'), user('three')];
    expect(stripRecoveryMessages(messages)).toEqual({ messages, partialAnswer: undefined });
  });

  it("takes Claude Code's cut-off prompts off the end, and says what the caller has", () => {
    const messages = [user('one'), assistant([text('par')]), user(CUT_OFF), assistant('tial'), user([text(CUT_OFF)])];
    expect(stripRecoveryMessages(messages)).toEqual({ messages: [user('one')], partialAnswer: 'partial' });
  });

  it('asks for the whole answer when the caller does', () => {
    const again = `${CUT_OFF} Only your next message is delivered. Write the complete response again from the start — now.`;
    expect(stripRecoveryMessages([user('one'), assistant('par'), user(again)])).toEqual({
      messages: [user('one')],
      partialAnswer: undefined,
    });
  });

  it('does not mistake a user who quotes the words without an answer before them', () => {
    const messages = [user(CUT_OFF)];
    expect(stripRecoveryMessages(messages).messages).toBe(messages);
  });
});

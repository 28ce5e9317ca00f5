import { describe, expect, it } from 'vitest';
import { stripRecoveryMessages } from './stream-recovery.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });
const CUT_OFF =
  'Your response above was cut off mid-stream. Resume directly from where it stops — no apology, no recap. If none of it survived, answer the request from the start.';

describe(stripRecoveryMessages.name, () => {
  it('does not change an ordinary conversation', () => {
    const messages = [user('one'), assistant('two'), user('three')];
    expect(stripRecoveryMessages(messages)).toEqual({ messages, partialAnswer: undefined });
  });

  it("strips Claude Code's recovery messages from the end, and returns what the caller has", () => {
    const messages = [user('one'), assistant([text('par')]), user(CUT_OFF), assistant('tial'), user([text(CUT_OFF)])];
    expect(stripRecoveryMessages(messages)).toEqual({ messages: [user('one')], partialAnswer: 'partial' });
  });

  it('returns no partial answer if the caller requests the complete answer', () => {
    const again = `${CUT_OFF} Only your next message is delivered. Write the complete response again from the start — now.`;
    expect(stripRecoveryMessages([user('one'), assistant('par'), user(again)])).toEqual({
      messages: [user('one')],
      partialAnswer: undefined,
    });
  });

  it('keeps a user message with these words if no answer precedes it', () => {
    const messages = [user(CUT_OFF)];
    expect(stripRecoveryMessages(messages).messages).toBe(messages);
  });
});

import { describe, expect, it } from 'vitest';
import { hasInterruptMarker } from './interruption.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });

describe(hasInterruptMarker.name, () => {
  it("detects Claude Code's marker in or before the newest message", () => {
    expect(hasInterruptMarker([user('a'), user('[Request interrupted by user]'), user('b')])).toBe(true);
    expect(hasInterruptMarker([user([text('[Request interrupted by user for tool use]'), text('b')])])).toBe(true);
  });

  it('ignores earlier markers and other texts', () => {
    expect(hasInterruptMarker([user('[Request interrupted by user]'), assistant('x'), user('b')])).toBe(false);
    expect(hasInterruptMarker([user('why "[Request interrupted by user]"?')])).toBe(false);
  });
});

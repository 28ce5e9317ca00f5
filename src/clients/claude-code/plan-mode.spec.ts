import { describe, expect, it } from 'vitest';
import { recorded, RECORDINGS } from './__fixtures__/recorded.js';
import { planModeNote } from './plan-mode.js';
import { readPromptContext } from './prompt.js';

const text = (value: string) => ({ type: 'text', text: value });
const sent = (...texts: readonly string[]) => [{ role: 'user', content: texts.map(text) }];

/** The note of a recorded turn. */
function noteOf(name: string): string | undefined {
  const { messages } = recorded(name).body;
  const index = messages.findLastIndex((message) => (message as { role: string }).role === 'user');
  return readPromptContext(messages, index).note;
}

describe('a note on plan mode', () => {
  it.each(['main-plan-mode', 'print-plan-mode'])('notes that the user wants only a plan: %s', (name) => {
    expect(noteOf(name)).toMatch(/change nothing, and answer with a plan/);
  });

  it('notes the end of plan mode', () => {
    expect(noteOf('main-after-plan-mode')).toMatch(/left plan mode/);
    const both = ['Plan mode is active. The user indicated that …', '## Exited Plan Mode\n\nYou have exited'];
    expect(planModeNote(both)).toMatch(/left plan mode/);
    expect(planModeNote(both.toReversed())).toMatch(/change nothing/);
  });

  it('is found in reminders for models without system messages', () => {
    const reminder = '<system-reminder>\nPlan mode is active. The user indicated that …\n</system-reminder>';
    expect(readPromptContext(sent(reminder, 'go'), 0).note).toMatch(/change nothing/);
  });

  it('ignores files that the user mentioned', () => {
    const mention =
      '<system-reminder>\nResult of calling the Read tool:\nPlan mode is active. The user indicated\n</system-reminder>';
    expect(readPromptContext(sent(mention, 'go'), 0).note).toBeUndefined();
  });

  it('ignores the text of the user', () => {
    expect(readPromptContext(sent('Plan mode is active. The user indicated'), 0).note).toBeUndefined();
  });

  it.each(RECORDINGS.filter((name) => !recorded(name).isSideRequest && !name.includes('plan-mode')))(
    'is absent in any other turn: %s',
    (name) => {
      expect(noteOf(name)).toBeUndefined();
    },
  );
});

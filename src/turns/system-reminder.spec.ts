import { describe, expect, it } from 'vitest';
import { withoutReminders } from './system-reminder.js';

describe(withoutReminders.name, () => {
  it('leaves a text without reminders untouched, blanks and all', () => {
    expect(withoutReminders(' hello ')).toBe(' hello ');
  });

  it('removes every reminder and what it holds', () => {
    const text = '<system-reminder>\nA\n</system-reminder>\nReply PING<system-reminder>B</system-reminder>';
    expect(withoutReminders(text)).toBe('Reply PING');
  });

  it('keeps a reminder that is not closed, as the user wrote it', () => {
    expect(withoutReminders('what does <system-reminder> mean?')).toBe('what does <system-reminder> mean?');
  });

  it('is nothing for a text that is all reminder', () => {
    expect(withoutReminders('<system-reminder>x</system-reminder>')).toBe('');
  });
});

import { describe, expect, it } from 'vitest';
import { isMention, isReminder, withoutReminders } from './system-reminder.js';

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

  it('keeps what the user mentioned, as it is', () => {
    const mention =
      '<system-reminder>\nCalled the Read tool with the following input: {"file_path":"/a"}\n</system-reminder>\n';
    const content = '<system-reminder>\nResult of calling the Read tool:\n1\tA\n</system-reminder>\n';
    expect(withoutReminders(mention)).toBe(mention);
    expect(withoutReminders(`<system-reminder>x</system-reminder>${content}go`)).toBe(`${content}go`);
    expect([isMention(mention), isMention(content), isMention('<system-reminder>x</system-reminder>')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([isReminder(mention), isReminder(`so: ${mention}`)]).toEqual([true, false]);
  });
});

import { describe, expect, it } from 'vitest';
import { isMention, isReminder, withoutReminders } from './system-reminder.js';

describe(withoutReminders.name, () => {
  it('does not change a text without reminders, not even its white space', () => {
    expect(withoutReminders(' hello ')).toBe(' hello ');
  });

  it('removes every reminder with its content', () => {
    const text = '<system-reminder>\nA\n</system-reminder>\nReply PING<system-reminder>B</system-reminder>';
    expect(withoutReminders(text)).toBe('Reply PING');
  });

  it('keeps a reminder that is not closed, as the user wrote it', () => {
    expect(withoutReminders('what does <system-reminder> mean?')).toBe('what does <system-reminder> mean?');
  });

  it('returns an empty text for a text of only reminders', () => {
    expect(withoutReminders('<system-reminder>x</system-reminder>')).toBe('');
  });

  it('keeps mentions unchanged', () => {
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

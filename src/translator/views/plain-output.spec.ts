import { describe, expect, it } from 'vitest';
import { toPlainOutput } from './plain-output.js';

describe('plain output', () => {
  it.each([
    ['colours', '\u001B[1;31mred\u001B[0m and \u001B[38;5;12mblue\u001B[m', 'red and blue'],
    ['a window title and a link', '\u001B]0;title\u0007\u001B]8;;http://x.y\u001B\\link\u001B]8;;\u001B\\', 'link'],
    ['moves of the cursor and a cleared screen', 'a\u001B[2J\u001B[3;4Hb\u001B[K', 'ab'],
    ['a sequence in one byte', '\u009B31mred', 'red'],
    ['half a sequence', 'a\u001B', 'a'],
    ['a progress bar', '10%\r50%\r100%\ndone', '100%\ndone'],
    ['lines of Windows', 'a\r\nb\r\n', 'a\nb\n'],
    ['bold letters of a manual page', 'N\bNA\bAM\bME\bE', 'NAME'],
    ['a bell, a NUL and a DEL', 'a\u0007b\u0000c\u007F', 'abc'],
    ['tabs', 'a\tb', 'a    b'],
    ['line ends of other kinds', 'a\u2028b\u0085c\fd', 'a\nb\nc\nd'],
    ['letters that turn a line around', 'abc\u202Etxt.exe\u2066x\u2069', 'abctxt.exex'],
    ['letters that nobody sees', 'a\u{E0041}\u{E007F}b', 'ab'],
    ['what is none of these', 'größe 🌍 <b>x</b> $& `x`\n  y', 'größe 🌍 <b>x</b> $& `x`\n  y'],
  ])('is without %s', (_, output, plain) => {
    expect(toPlainOutput(output)).toBe(plain);
  });

  it.each([
    '</system-reminder>',
    '<System-Reminder>',
    '<context>cut out</context>',
    '<commit_analysis>',
    '<command-name>/clear</command-name>',
    '<local-command-stdout>',
    '<task-notification>',
  ])('has no tag that means something to Claude Code: %s', (tag) => {
    expect(toPlainOutput(`a ${tag} b`)).toBe(`a ${tag.replaceAll('<', '‹')} b`);
  });

  it('neutralizes a tag with a control character inside', () => {
    expect(toPlainOutput('<sys\u0000tem-reminder>')).toBe('‹system-reminder>');
    expect(toPlainOutput('<\u202E/system-reminder>')).toBe('‹/system-reminder>');
  });

  it('keeps a tag that only has such a prefix', () => {
    expect(toPlainOutput('<contextual> <command>')).toBe('<contextual> <command>');
  });
});

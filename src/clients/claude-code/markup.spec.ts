import { describe, expect, it } from 'vitest';
import { stripMarkup } from './markup.js';

const text = (value: string) => ({ type: 'text', text: value });

describe(stripMarkup.name, () => {
  it('removes the interruption marker', () => {
    const marker = '[Request interrupted by user for tool use]';
    expect(stripMarkup([text(` ${marker}\n`), text('now')])).toEqual([text('now')]);
    expect(stripMarkup(marker)).toEqual([]);
  });

  it('keeps what a user writes about it', () => {
    const content = [
      text('what is <command-name>/model</command-name> for?'),
      text('[Request interrupted by user] why?'),
    ];
    expect(stripMarkup(content)).toEqual(content);
    expect(stripMarkup('say <local-command-stdout>x</local-command-stdout>')).toBe(
      'say <local-command-stdout>x</local-command-stdout>',
    );
  });

  it('keeps a text with the heading of /context unless the command precedes it', () => {
    const output = text('## Context Usage\n\n**Model:** m');
    const command = text('<command-name>/context</command-name>\n  <command-args></command-args>\n');
    expect(stripMarkup([text('look:'), output])).toEqual([text('look:'), output]);
    expect(stripMarkup([command, output, text('now')])).toEqual([text('now')]);
  });

  it('does not scan megabytes for an end', () => {
    const pasted = text(`<local-command-stdout>${'x'.repeat(200_000)}</local-command-stdout>`);
    expect(stripMarkup([pasted])).toEqual([pasted]);
  });
});

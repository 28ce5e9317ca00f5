import { describe, expect, it } from 'vitest';
import { stripMarkup } from './markup.js';

const text = (value: string) => ({ type: 'text', text: value });

describe(stripMarkup.name, () => {
  it('takes out that the user pressed Escape', () => {
    const marker = '[Request interrupted by user for tool use]';
    expect(stripMarkup([text(` ${marker}\n`), text('now')])).toEqual([text('now')]);
    expect(stripMarkup(marker)).toEqual([]);
  });

  it('leaves alone what a user writes about it', () => {
    const content = [
      text('what is <command-name>/model</command-name> for?'),
      text('[Request interrupted by user] why?'),
    ];
    expect(stripMarkup(content)).toEqual(content);
    expect(stripMarkup('say <local-command-stdout>x</local-command-stdout>')).toBe(
      'say <local-command-stdout>x</local-command-stdout>',
    );
  });

  it('takes a text under the heading of /context for the user’s, unless the command stands before it', () => {
    const output = text('## Context Usage\n\n**Model:** m');
    const command = text('<command-name>/context</command-name>\n  <command-args></command-args>\n');
    expect(stripMarkup([text('look:'), output])).toEqual([text('look:'), output]);
    expect(stripMarkup([command, output, text('now')])).toEqual([text('now')]);
  });

  it('does not look for an end in megabytes', () => {
    const pasted = text(`<local-command-stdout>${'x'.repeat(200_000)}</local-command-stdout>`);
    expect(stripMarkup([pasted])).toEqual([pasted]);
  });
});

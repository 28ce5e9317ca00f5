import { truncateAtCodePoint } from './surrogates.js';

/** Makes the title of a conversation from what its user said first: the first line, cut between words to `maxChars` characters. */
export function toTitle(text: string, maxChars: number): string {
  const line =
    text
      .split('\n')
      .find((candidate) => candidate.trim() !== '')
      ?.trim() ?? 'New session';
  if (line.length <= maxChars) return line;
  const cut = truncateAtCodePoint(line, maxChars - 1);
  // Cut between words, unless the last word is most of the title.
  const space = cut.lastIndexOf(' ');
  return `${(space > maxChars / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

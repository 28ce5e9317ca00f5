/** Most characters of a request that are tokenized: all of what is counted by hand in practice, and 0.1 s of work. */
export const MAX_SAMPLE_CHARS = 256 * 1024;
/** Characters of each slice of a longer text. */
export const SLICE_CHARS = 2048;

/** The parts of a text that are tokenized in place of the whole. */
export interface TextSample {
  readonly slices: readonly string[];
  /** How many times as long the text is. */
  readonly scale: number;
}

/** The text itself, or of a long one slices from its start to its end at equal distances. Always the same of the same text. */
export function sampleText(text: string): TextSample {
  if (text.length <= MAX_SAMPLE_CHARS) return { slices: [text], scale: 1 };
  const count = MAX_SAMPLE_CHARS / SLICE_CHARS;
  const distance = (text.length - SLICE_CHARS) / (count - 1);
  const slices = Array.from({ length: count }, (_, index) => {
    const start = Math.floor(index * distance);
    return text.slice(start, start + SLICE_CHARS);
  });
  return { slices, scale: text.length / MAX_SAMPLE_CHARS };
}

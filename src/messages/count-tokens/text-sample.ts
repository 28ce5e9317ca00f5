/** Maximum characters of a request that are tokenized: enough for usual requests, and 0.1 s of work. */
export const MAX_SAMPLE_CHARS = 256 * 1024;
/** Characters of each slice of a longer text. */
export const SLICE_CHARS = 2048;

/** The parts of a text that are tokenized instead of the complete text. */
export interface TextSample {
  readonly slices: readonly string[];
  /** The length of the text divided by that of the sample. */
  readonly scale: number;
}

/** Returns the text itself, or equally spaced slices of a long one. Deterministic. */
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

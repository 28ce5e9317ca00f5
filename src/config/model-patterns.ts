import type { Parsed } from './setting.js';

/** Parses a comma-separated list of names of models, in which `*` stands for any text. */
export function parseModelPatterns(text: string | undefined): Parsed<readonly string[]> {
  const patterns = (text ?? '').split(',').map((pattern) => pattern.trim());
  return { value: patterns.filter((pattern) => pattern !== '') };
}

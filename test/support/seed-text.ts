import { readPromptText } from '../../src/domain/prompt.js';
import { renderSeed } from '../../src/domain/seed/render-seed.js';
import type { SeedMessage } from '../../src/domain/seed/seed-message.js';

/** The text of a seed as a transcript; empty for none. */
export function toSeedText(seed: readonly SeedMessage[] | undefined): string {
  return readPromptText(renderSeed(seed ?? []));
}

import { arrangeSeed, type SeedPart } from './arrange-seed.js';
import type { SeedBlock, SeedMessage } from './seed-message.js';

/** Collects the blocks of an earlier conversation, in any order of calls and results, for a seed. */
export class SeedBuilder {
  readonly #parts: SeedPart[] = [];

  /** Adds a block that a message of this role had. */
  add(role: SeedMessage['role'], block: SeedBlock): void {
    this.#parts.push({ role, block });
  }

  /** Returns the newest messages, of at most `maxChars` characters of text; a note says so if there were more. */
  build(maxChars: number): readonly SeedMessage[] {
    return arrangeSeed(this.#parts, maxChars);
  }
}

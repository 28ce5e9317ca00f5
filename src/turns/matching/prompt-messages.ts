import { readContent, readRole } from '../../anthropic/content.js';
import { isJsonObject, toText } from '../../domain/json.js';
import { keepText, type TextFilter } from '../../domain/text-filter.js';
import { runInSlices } from '../../workers/in-slices.js';
import type { PromptMessage } from '../turn-request.js';
import { PartsHash, pushText } from './parts-hash.js';

/**
 * Computes the key of each user message by itself; consecutive ones count as one. Only texts count, and the ids of tool results: clients
 * prune old results and images. A message with neither counts by the types of its blocks, and one without any is left out.
 */
export function computePromptMessages(
  messages: readonly unknown[],
  read: TextFilter = keepText,
): Promise<readonly PromptMessage[]> {
  return runInSlices(computePrompts(messages, read));
}

/** Computes the key of one user message with this content, as {@link computePromptMessages} does; `undefined` if there is nothing to compare. */
export async function computePromptKey(content: readonly unknown[], read: TextFilter): Promise<string | undefined> {
  const [message] = await computePromptMessages([{ role: 'user', content }], read);
  return message?.key;
}

function* computePrompts(
  messages: readonly unknown[],
  read: TextFilter,
): Generator<undefined, readonly PromptMessage[]> {
  const prompts: PromptMessage[] = [];
  let run: PromptRun | undefined;
  const close = (): void => {
    const key = run?.digest();
    if (run !== undefined && key !== undefined) prompts.push({ key, start: run.start });
    run = undefined;
  };
  for (const [index, message] of messages.entries()) {
    const role = readRole(message);
    if (role === 'assistant') close();
    if (role !== 'user') continue;
    run ??= new PromptRun(index);
    yield* run.add(readContent(message), read);
  }
  close();
  return prompts;
}

/** Consecutive user messages. */
class PromptRun {
  readonly #parts = new PartsHash();
  readonly #otherTypes: string[] = [];
  #isEmpty = true;

  constructor(readonly start: number) {}

  *add(content: unknown, read: TextFilter): Generator<undefined, void> {
    const blocks: readonly unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content }];
    for (const block of blocks.filter(isJsonObject)) {
      yield;
      const { type, text } = block;
      if (type === 'tool_result') yield* this.#push(`\u0002result ${toText(block['tool_use_id'])}`);
      else if (type !== 'text') this.#otherTypes.push(toText(type));
      else if (typeof text === 'string') yield* this.#push(read(text).trim());
    }
  }

  digest(): string | undefined {
    if (!this.#isEmpty) return this.#parts.digest();
    for (const type of this.#otherTypes) this.#parts.push(`\u0002${type}`);
    return this.#otherTypes.length === 0 ? undefined : this.#parts.digest();
  }

  *#push(part: string): Generator<undefined, void> {
    if (part === '') return;
    this.#isEmpty = false;
    yield* pushText(part, this.#parts);
  }
}

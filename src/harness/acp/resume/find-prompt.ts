import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { Prompt } from '../../../domain/prompt.js';

/**
 * Where in a replay our turn begins: behind the newest message of the user that is its prompt; `undefined` if there is none. Agents repeat a prompt
 * word for word, some with a message of their own before or after it (recordings kimi.kill9-load, gemini.load-next-minute-2), and each block of it as a
 * message of its own or all of them as one.
 */
export function findPrompt(replay: readonly JsonObject[], prompt: Prompt): number | undefined {
  const texts = prompt.flatMap((block) =>
    block.type === 'text' && block.text.trim() !== '' ? [block.text.trim()] : [],
  );
  const messages = findUserMessages(replay);
  const last = texts.at(-1);
  // Images may not be told again.
  if (last === undefined) return messages.at(-1)?.end;
  const same = messages.findLast(({ chunks }) => chunks.includes(last) || chunks.join('').trim() === texts.join(''));
  if (same !== undefined) return same.end;
  return messages.findLast(({ chunks }) => texts.every((text) => chunks.join('\n').includes(text)))?.end;
}

/** Messages of the user in a row. */
interface UserMessage {
  /** Their texts, without white space around them. */
  readonly chunks: readonly string[];
  /** The index of what follows. */
  readonly end: number;
}

function findUserMessages(replay: readonly JsonObject[]): readonly UserMessage[] {
  const messages: { readonly chunks: string[]; end: number }[] = [];
  let isOpen = false;
  for (const [index, update] of replay.entries()) {
    const isUser = update['sessionUpdate'] === 'user_message_chunk';
    if (isUser) {
      const text = (asString(asObject(update['content'])['text']) ?? '').trim();
      const open = isOpen ? messages.at(-1) : undefined;
      if (open === undefined) messages.push({ chunks: [text], end: index + 1 });
      else {
        open.chunks.push(text);
        open.end = index + 1;
      }
    }
    isOpen = isUser;
  }
  return messages;
}

import type { Prompt, PromptBlock } from './prompt.js';
import type { SeedBlock, SeedMessage } from './seed-message.js';
import { truncateAtCodePoint } from './surrogates.js';

/** Maximum length of a tool's input or output in a transcript. Messages are not shortened. */
const MAX_TOOL_CHARS = 4000;

/** Renders a seed as a transcript, for an agent that cannot be given earlier messages in its own form. */
export function renderSeed(seed: readonly SeedMessage[]): Prompt {
  const names = new Map<string, string>();
  return mergeTextBlocks(seed.flatMap(({ role, content }) => content.flatMap((block) => render(role, block, names))));
}

/** @param names the tools of the calls so far, by the ids of the calls. */
function render(role: SeedMessage['role'], block: SeedBlock, names: Map<string, string>): Prompt {
  switch (block.type) {
    case 'text':
      return [toElement(role, block.text)];
    case 'image':
    case 'document':
      return [block];
    case 'tool-call':
      names.set(block.id, block.name);
      return [toElement('tool_call', shorten(JSON.stringify(block.input)), toNameAttribute(block.name))];
    case 'tool-result':
      return renderResult(
        block.content,
        `${toNameAttribute(names.get(block.id))}${block.isError ? ' is_error="true"' : ''}`,
      );
    default:
      return block satisfies never;
  }
}

/** Texts between and after images are results, too. */
function renderResult(content: Prompt, attributes: string): Prompt {
  const parts: Prompt = content[0]?.type === 'text' ? content : [{ type: 'text', text: '' }, ...content];
  return parts.map((part) => (part.type === 'text' ? toElement('tool_result', shorten(part.text), attributes) : part));
}

function toNameAttribute(name: string | undefined): string {
  return name === undefined ? '' : ` name=${JSON.stringify(name)}`;
}

function toElement(name: string, text: string, attributes = ''): PromptBlock {
  return { type: 'text', text: `<${name}${attributes}>\n${text}\n</${name}>\n` };
}

function shorten(text: string): string {
  const omittedChars = text.length - MAX_TOOL_CHARS;
  return omittedChars <= 0 ? text : `${truncateAtCodePoint(text, MAX_TOOL_CHARS)} … [${omittedChars} more characters]`;
}

/** Merges consecutive text blocks. */
export function mergeTextBlocks(blocks: Prompt): Prompt {
  const merged: PromptBlock[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) merged.push({ type: 'text', text: texts.join('') });
    texts = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') {
      texts.push(block.text);
    } else {
      flush();
      merged.push(block);
    }
  }
  flush();
  return merged;
}

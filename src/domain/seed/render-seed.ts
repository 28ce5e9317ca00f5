import type { Prompt, PromptBlock } from '../prompt.js';
import type { SeedBlock, SeedMessage } from './seed-message.js';

/**
 * Renders an earlier conversation as text, for an agent that can only be told of it in its prompt. Images and documents stay blocks.
 * Empty for an empty seed.
 */
export function renderSeed(seed: readonly SeedMessage[]): Prompt {
  const names = new Map(
    seed.flatMap(({ content }) =>
      content.flatMap((block) => (block.type === 'tool-call' ? [[block.id, block.name]] : [])),
    ),
  );
  return seed.flatMap(({ role, content }) => content.flatMap((block) => renderBlock(role, block, names)));
}

function renderBlock(role: string, block: SeedBlock, names: ReadonlyMap<string, string>): readonly PromptBlock[] {
  switch (block.type) {
    case 'text':
      return [element(role, block.text)];
    case 'image':
    case 'document':
    case 'file':
      return [block];
    case 'tool-call':
      return [element('tool_call', JSON.stringify(block.input), ` name=${JSON.stringify(block.name)}`)];
    case 'tool-result': {
      const name = ` name=${JSON.stringify(names.get(block.id) ?? '')}${block.isError ? ' is_error="true"' : ''}`;
      return block.content.map((part) => (part.type === 'text' ? element('tool_result', part.text, name) : part));
    }
    default:
      return block satisfies never;
  }
}

function element(name: string, text: string, attributes = ''): PromptBlock {
  return { type: 'text', text: `<${name}${attributes}>\n${text}\n</${name}>` };
}

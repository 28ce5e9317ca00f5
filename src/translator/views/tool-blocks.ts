import type { ContentBlock, McpToolResultBlock, McpToolUseBlock, TextBlock } from '../../anthropic/stream-event.js';
import type { ToolBlockForm } from '../../domain/tool-block-form.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';

/**
 * Converts a tool block to the form that a caller wants; `undefined` for none. The text form returns the block unchanged, because it
 * needs more than one block (`tools-as-text.ts`). `limit` is the maximum output in characters.
 */
export function toolBlock(
  block: McpToolUseBlock | McpToolResultBlock,
  form: ToolBlockForm,
  limit: number,
): ContentBlock | undefined {
  switch (form) {
    case 'mcp':
      return block.type === 'mcp_tool_use' ? block : { ...block, content: cutContent(block.content, limit) };
    case 'server':
      return serverBlock(block, limit);
    case 'text':
      return block;
    case 'none':
      return undefined;
    default:
      return form satisfies never;
  }
}

function serverBlock(block: McpToolUseBlock | McpToolResultBlock, limit: number): ContentBlock {
  if (block.type === 'mcp_tool_use') {
    const { command } = block.input;
    return {
      type: 'server_tool_use',
      id: serverToolId(block.id),
      // A tool name that typed clients know: they drop a call with another name and then fail at its result.
      name: 'bash_code_execution',
      input: { command: typeof command === 'string' ? command : `${block.name} ${JSON.stringify(block.input)}` },
      caller: { type: 'direct' },
    };
  }
  const text = cut(joinTexts(block), limit);
  return {
    type: 'bash_code_execution_tool_result',
    tool_use_id: serverToolId(block.tool_use_id),
    content: {
      type: 'bash_code_execution_result',
      stdout: block.is_error ? '' : text,
      stderr: block.is_error ? text : '',
      return_code: block.is_error ? 1 : 0,
      content: [],
    },
  };
}

function serverToolId(id: string): string {
  return id.replace(/^mcptoolu_/, 'srvtoolu_');
}

function joinTexts(block: McpToolResultBlock): string {
  return block.content.map(({ text }) => text).join('\n');
}

/** Truncates an output of several parts at the limit and notes how much was omitted. */
function cutContent(content: readonly TextBlock[], limit: number): readonly TextBlock[] {
  let room = limit;
  const length = content.reduce((sum, { text }) => sum + text.length, 0);
  if (length <= limit) return content;
  const kept: TextBlock[] = [];
  for (const part of content) {
    if (part.text.length > room) return [...kept, { ...part, text: withNote(part.text, room, length - limit) }];
    kept.push(part);
    room -= part.text.length;
  }
  return kept;
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : withNote(text, limit, text.length - limit);
}

function withNote(text: string, limit: number, omittedChars: number): string {
  return `${truncateAtCodePoint(text, limit)}… [${omittedChars} more characters]`;
}

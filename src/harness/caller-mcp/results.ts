import type { CallerToolResult } from '../../domain/caller-tool.js';
import { describeFile } from '../../domain/file-block.js';
import type { PromptBlock } from '../../domain/prompt.js';

/**
 * The key in a result's `_meta` that names the turn which brought it. Claude Code 2.1.330 keeps `_meta` in its transcript as `mcpMeta`
 * (seen, also of errors), which tells our results from those that it makes itself of a call that is cut off.
 */
export const TURN_KEY = 'chiron/turn';

const FAILED = 'The tool failed:';

/** A content block of an MCP tool's result. */
export type McpContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'resource';
      readonly resource: { readonly uri: string; readonly mimeType: string } & (
        { readonly blob: string } | { readonly text: string }
      );
    };

/** The result of MCP's `tools/call`. */
export interface McpResult {
  readonly content: readonly McpContent[];
  readonly isError: boolean;
  readonly _meta: Readonly<Record<string, string>>;
}

/**
 * Converts a caller's result for a call that waits. Claude Code 2.1.330 shows the model texts and images, writes a binary document into
 * a file that it names to the model, and drops all but the texts of an error (seen): an error with an image becomes a result that says so.
 */
export function toMcpResult({ content, isError }: CallerToolResult, turnId: string): McpResult {
  const blocks = content.map(toMcpContent);
  const _meta = { [TURN_KEY]: turnId };
  if (!isError || blocks.every(({ type }) => type === 'text')) return { content: blocks, isError, _meta };
  return { content: [{ type: 'text', text: FAILED }, ...blocks], isError: false, _meta };
}

/** An error that the agent gets at once, instead of the caller's result. */
export function toMcpError(text: string, turnId: string): McpResult {
  return { content: [{ type: 'text', text }], isError: true, _meta: { [TURN_KEY]: turnId } };
}

function toMcpContent(block: PromptBlock, index: number): McpContent {
  if (block.type === 'text') return block;
  if (block.type === 'file') return { type: 'text', text: describeFile(block) };
  const { source } = block;
  if (source.type === 'url') return { type: 'text', text: `[${block.type} at ${source.url}]` };
  if (block.type === 'image' && source.type === 'base64') {
    return { type: 'image', data: source.data, mimeType: source.media_type };
  }
  const resource = { uri: `result:///${index}`, mimeType: source.media_type };
  return {
    type: 'resource',
    resource: source.type === 'text' ? { ...resource, text: source.data } : { ...resource, blob: source.data },
  };
}

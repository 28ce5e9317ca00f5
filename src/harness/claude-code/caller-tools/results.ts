import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import { describeFile } from '../../../domain/file-block.js';
import type { PromptBlock } from '../../../domain/prompt.js';

/**
 * The key in a result's `_meta` that names the turn which brought it. Claude Code 2.1.330 keeps `_meta` in its transcript as `mcpMeta`
 * (seen, also of errors), which tells our results from those that it makes itself of a call that is cut off.
 */
const TURN_KEY = 'chiron/turn';

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

/** Converts a caller's result into the block that a transcript has of it. */
export function toResultBlock({ callId, content, isError }: CallerToolResult): JsonObject {
  return { type: 'tool_result', tool_use_id: callId, content: content.map(toContentBlock), is_error: isError };
}

/** Converts a prompt block into a content block of Anthropic's, without the fields that are absent or null. */
export function toContentBlock(block: PromptBlock): JsonObject {
  if (block.type === 'text') return { type: 'text', text: block.text };
  if (block.type === 'file') return { type: 'text', text: describeFile(block) };
  const source: JsonObject = { ...block.source };
  if (block.type === 'image') return { type: 'image', source };
  const { title = null, context = null } = block;
  return {
    type: 'document',
    source,
    ...(title === null ? {} : { title }),
    ...(context === null ? {} : { context }),
  };
}

/** The field of a transcript's entry that marks its results as brought by a turn; Claude Code writes the same for {@link toMcpResult}. */
export function toTurnMark(turnId: string): JsonObject {
  return { mcpMeta: { _meta: { [TURN_KEY]: turnId } } };
}

/** The turn that brought the results in a transcript's entry; `undefined` for results that no turn brought, and for other entries. */
export function findMarkedTurn(entry: JsonObject): string | undefined {
  return asString(asObject(asObject(entry['mcpMeta'])['_meta'])[TURN_KEY]);
}

import type { CallerToolResult } from '../../../domain/caller-tool.js';
import { describeFile } from '../../../domain/file-block.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { PromptBlock } from '../../../domain/prompt.js';
import { TURN_KEY } from '../../caller-mcp/results.js';

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

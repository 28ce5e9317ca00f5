import type { HarnessEvent, JsonObject, JsonValue, ToolResultContent } from '../../../domain/harness-event.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';

/** Converts a `tool_use` block; `undefined` without an id or a name. `mcp__<server>__<tool>` names a tool of an MCP server. */
export function toToolCall(block: JsonObject): Extract<HarnessEvent, { readonly type: 'tool-call' }> | undefined {
  const [id, fullName] = [asString(block['id']), asString(block['name'])];
  if (id === undefined || fullName === undefined) return undefined;
  return { type: 'tool-call', id, ...splitToolName(fullName), input: asObject(block['input']) };
}

/** Splits a tool name into server and name; the server of Claude Code's own tools is `agent`. */
export function splitToolName(fullName: string): { readonly name: string; readonly server: string } {
  const match = /^mcp__(.+?)__(.+)$/.exec(fullName);
  return { name: match?.[2] ?? fullName, server: match?.[1] ?? 'agent' };
}

/** Converts a `tool_result` block; `undefined` without an id. */
export function toToolResult(block: JsonObject): Extract<HarnessEvent, { readonly type: 'tool-result' }> | undefined {
  const id = asString(block['tool_use_id']);
  if (id === undefined) return undefined;
  return { type: 'tool-result', id, content: resultContent(block['content']), isError: block['is_error'] === true };
}

function resultContent(content: JsonValue | undefined): readonly ToolResultContent[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : asObjects(content).map(resultPart);
}

function resultPart(block: JsonObject): ToolResultContent {
  const text = asString(block['text']);
  if (text !== undefined) return { type: 'text', text };
  const source = asObject(block['source']);
  const [mediaType, data] = [asString(source['media_type']), asString(source['data'])];
  if (block['type'] === 'image' && mediaType !== undefined && data !== undefined) {
    return { type: 'image', mediaType, data };
  }
  return { type: 'text', text: `[${asString(block['type']) ?? 'content'}]` };
}

import type { HarnessEvent, JsonObject, JsonValue, ToolResultContent } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString } from '../../../domain/json.js';

/** The agent's own tools have no server; those of MCP servers are `mcp__<server>__<tool>` (1.6.0, mcp.md). */
export function toPiToolCall(
  id: string,
  fullName: string,
  input: JsonObject,
): Extract<HarnessEvent, { readonly type: 'tool-call' }> {
  const [, server = 'agent', name = fullName] = /^mcp__(.+?)__(.+)$/.exec(fullName) ?? [];
  return { type: 'tool-call', id, name, server, input };
}

/** A tool's `content`: texts and images. */
export function toPiResult(id: string, content: JsonValue | undefined, isError: boolean): HarnessEvent {
  return { type: 'tool-result', id, content: asObjects(content).flatMap(toPart), isError };
}

function toPart(part: JsonObject): readonly ToolResultContent[] {
  const [text, data] = [asString(part['text']), asString(part['data'])];
  if (text !== undefined) return [{ type: 'text', text }];
  return data === undefined ? [] : [{ type: 'image', mediaType: asString(part['mimeType']) ?? 'image/png', data }];
}

/**
 * The first part of the ids of a message's blocks: the same in its events and in the record, and another one for every message, also for
 * one that was cut off and asked for again.
 */
export function toMessageId(message: JsonObject): string {
  return `m${asNumber(message['timestamp']) ?? 0}`;
}

/** The id of a message's block. */
export function toPiBlockId(messageId: string, index: number): string {
  return `${messageId}-${index}`;
}

/** A block of a message with its text; `undefined` for a call, and for a block without a text. */
export function readTextBlock(
  block: JsonObject,
): { readonly kind: 'text' | 'thinking'; readonly text: string } | undefined {
  const [kind, text] =
    block['type'] === 'thinking' ? ['thinking' as const, block['thinking']] : ['text' as const, block['text']];
  return typeof text === 'string' && text !== '' ? { kind, text } : undefined;
}

/** The text of a message of the user. */
export function readUserText(message: JsonObject): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  return asObjects(content)
    .flatMap((part) => asString(asObject(part)['text']) ?? [])
    .join('\n');
}

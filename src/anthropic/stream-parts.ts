// The wire forms that the live translator and the replay of a stored message share.
import type {
  ContentBlock,
  McpToolResultBlock,
  Message,
  StopDetails,
  StopReason,
  StreamEvent,
  Usage,
} from './stream-event.js';
import type { ToolResultContent } from '../domain/harness-event.js';

/** The id of an inner tool's call: the harness's own, without its prefix, under Anthropic's prefix of MCP calls. */
export function mcpToolId(id: string): string {
  return `mcptoolu_${id.replace(/^(?:mcptoolu_|toolu_|call_)/, '').replace(/[^A-Za-z0-9_-]/g, '_')}`;
}

/** The id of a caller's tool call. A caller's `tool_result` comes back under this id, so match it through this function. */
export function callerToolId(id: string): string {
  return id.startsWith('toolu_') ? id : `toolu_${id}`;
}

/** What an inner tool gave back. An image is only named: the block's content is text on the wire. */
export function mcpToolResult(id: string, content: readonly ToolResultContent[], isError: boolean): McpToolResultBlock {
  return {
    type: 'mcp_tool_result',
    tool_use_id: mcpToolId(id),
    is_error: isError,
    content: content.map((part) => ({
      type: 'text',
      text: part.type === 'text' ? part.text : `[image ${part.mediaType}]`,
      citations: null,
    })),
  };
}

/** The event that starts a message. */
export function messageStart(id: string, model: string, usage: Usage): StreamEvent {
  const message: Message = {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    context_management: null,
    usage,
  };
  return { type: 'message_start', message };
}

/** How a message stopped. */
export interface MessageStop {
  readonly reason: StopReason;
  readonly sequence: string | null;
  readonly details: StopDetails;
}

/** The two events that end a message well. */
export function messageEnd(stop: MessageStop, usage: Usage): readonly StreamEvent[] {
  return [
    {
      type: 'message_delta',
      delta: { stop_reason: stop.reason, stop_sequence: stop.sequence, stop_details: stop.details, container: null },
      usage,
      context_management: null,
    },
    { type: 'message_stop' },
  ];
}

/** The start of a block that is still empty. */
export function blockStart(kind: 'text' | 'thinking', index: number): StreamEvent {
  return {
    type: 'content_block_start',
    index,
    content_block:
      kind === 'text' ? { type: 'text', text: '', citations: null } : { type: 'thinking', thinking: '', signature: '' },
  };
}

/** One piece of a text or thinking block. */
export function blockDelta(kind: 'text' | 'thinking', index: number, text: string): StreamEvent {
  return {
    type: 'content_block_delta',
    index,
    delta: kind === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text },
  };
}

/** The end of a block. A thinking block says its signature just before, also an empty one. */
export function blockEnd(kind: 'text' | 'thinking', index: number, signature: string): readonly StreamEvent[] {
  const stop: StreamEvent = { type: 'content_block_stop', index };
  if (kind === 'text') return [stop];
  return [{ type: 'content_block_delta', index, delta: { type: 'signature_delta', signature } }, stop];
}

function textBlockEvents(
  kind: 'text' | 'thinking',
  index: number,
  text: string,
  signature: string,
): readonly StreamEvent[] {
  const deltas = text === '' ? [] : [blockDelta(kind, index, text)];
  return [blockStart(kind, index), ...deltas, ...blockEnd(kind, index, signature)];
}

/**
 * A block that is known as a whole, as its start, deltas and stop. Inner tools have their input inside the start: Claude Code
 * 2.1.330 calls a stream malformed that has `input_json_delta` in an `mcp_tool_use`. The other tools need the delta: clients build
 * their input from deltas only.
 */
export function completeBlockEvents(index: number, block: ContentBlock): readonly StreamEvent[] {
  const stop: StreamEvent = { type: 'content_block_stop', index };
  switch (block.type) {
    case 'text':
      return textBlockEvents('text', index, block.text, '');
    case 'thinking':
      return textBlockEvents('thinking', index, block.thinking, block.signature);
    case 'tool_use':
    case 'server_tool_use':
      return [
        { type: 'content_block_start', index, content_block: { ...block, input: {} } },
        {
          type: 'content_block_delta',
          index,
          delta: { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
        },
        stop,
      ];
    case 'mcp_tool_use':
    case 'mcp_tool_result':
    case 'bash_code_execution_tool_result':
      return [{ type: 'content_block_start', index, content_block: block }, stop];
    default: {
      const unreachable: never = block;
      return unreachable;
    }
  }
}

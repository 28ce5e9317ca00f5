// Wire forms shared by the live translator and the replay of a stored message.
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

/** Makes the id of an inner tool's call: the harness's id with its prefix replaced by Anthropic's prefix for MCP calls. */
export function toMcpToolId(id: string): string {
  return `mcptoolu_${id.replace(/^(?:mcptoolu_|toolu_|call_)/, '').replace(/[^A-Za-z0-9_-]/g, '_')}`;
}

/** Makes the result block of an inner tool. An image becomes a placeholder: the block's content is text on the wire. */
export function toMcpToolResult(
  id: string,
  content: readonly ToolResultContent[],
  isError: boolean,
): McpToolResultBlock {
  return {
    type: 'mcp_tool_result',
    tool_use_id: toMcpToolId(id),
    is_error: isError,
    content: content.map((part) => ({
      type: 'text',
      text: part.type === 'text' ? part.text : `[image ${part.mediaType}]`,
      citations: null,
    })),
  };
}

/** Makes the event that starts a message. */
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

/** Makes the two events that end a message normally. */
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

/** Makes the start of an empty block. */
export function blockStart(kind: 'text' | 'thinking', index: number): StreamEvent {
  return {
    type: 'content_block_start',
    index,
    content_block:
      kind === 'text' ? { type: 'text', text: '', citations: null } : { type: 'thinking', thinking: '', signature: '' },
  };
}

/** Makes a delta of a text or thinking block. */
export function blockDelta(kind: 'text' | 'thinking', index: number, text: string): StreamEvent {
  return {
    type: 'content_block_delta',
    index,
    delta: kind === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text },
  };
}

/** Makes the end of a block. A thinking block first emits its signature, even an empty one. */
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
 * Makes the start, deltas and stop of a complete block. Inner tools have their input in the start: Claude Code 2.1.330 rejects a
 * stream with `input_json_delta` in an `mcp_tool_use` as malformed. Other tools need the delta: clients build their input from
 * deltas only.
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

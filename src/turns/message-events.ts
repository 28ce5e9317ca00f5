import type { HarnessEvent } from '../domain/harness-event.js';
import type { Turn } from '../storage/stores/turn.js';
import type { ContentBlock } from '../anthropic/stream-event.js';

/**
 * Rebuilds the events of an ended turn whose log is pruned from its stored message: each block in one piece, the model calls, the end.
 * Tools keep the ids of the message; images are placeholders. A failed turn has no message, only its end.
 */
export function rebuildEvents(turn: Turn): readonly HarnessEvent[] {
  const calls = turn.message?.usage.iterations ?? [];
  return [
    ...toContentEvents(turn.message?.content ?? []),
    ...calls.map((call): HarnessEvent => ({
      type: 'model-call-end',
      model: call.model,
      usage: {
        inputTokens: call.input_tokens,
        outputTokens: call.output_tokens,
        cacheReadInputTokens: call.cache_read_input_tokens,
        cacheCreationInputTokens: call.cache_creation_input_tokens,
        thinkingTokens: 0,
      },
    })),
    ...toEndEvents(turn),
  ];
}

/** Rebuilds the events of a message's content: each block in one piece. */
export function toContentEvents(content: readonly ContentBlock[]): readonly HarnessEvent[] {
  return content.flatMap((block, index) => eventsOfBlock(block, `block-${index}`));
}

/** Returns the end event of a turn from its stored row; nothing for an unfinished turn. */
export function toEndEvents(turn: Turn): readonly HarnessEvent[] {
  switch (turn.state) {
    case 'completed':
      return [{ type: 'turn-end', reason: turn.stopReason ?? 'end_turn' }];
    case 'cancelled':
      return [{ type: 'turn-end', reason: 'interrupted' }];
    case 'failed':
      return [{ type: 'turn-failed', ...(turn.failure ?? { kind: 'internal', message: 'The turn failed.' }) }];
    case 'queued':
    case 'running':
      return [];
    default:
      return turn.state satisfies never;
  }
}

function eventsOfBlock(block: ContentBlock, id: string): readonly HarnessEvent[] {
  switch (block.type) {
    case 'text':
      return [
        { type: 'text-delta', id, text: block.text },
        { type: 'block-end', id },
      ];
    case 'thinking':
      return [
        { type: 'thinking-delta', id, text: block.thinking },
        { type: 'block-end', id },
      ];
    case 'mcp_tool_use':
      return [{ type: 'tool-call', id: block.id, name: block.name, server: block.server_name, input: block.input }];
    case 'mcp_tool_result': {
      const content = block.content.map(({ text }) => ({ type: 'text', text }) as const);
      return [{ type: 'tool-result', id: block.tool_use_id, content, isError: block.is_error }];
    }
    case 'tool_use':
      return [{ type: 'caller-tool-call', id: block.id, name: block.name, input: block.input }];
    case 'server_tool_use':
    case 'bash_code_execution_tool_result':
      // Views for single callers, never stored.
      return [];
    default:
      return block satisfies never;
  }
}

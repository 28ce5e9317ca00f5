import type { ContentBlock } from '../../anthropic/stream-event.js';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import type { Prompt } from '../../domain/prompt.js';
import { AGENT_SERVER } from '../../domain/seed/seed-message.js';
import type { ToolBlockForm } from '../../domain/tool-block-form.js';
import type { Turn, TurnState } from '../../storage/stores/turn.js';
import { contentAsShown } from '../../translator/views/answer-view.js';
import { renderCall } from '../../translator/views/tool-lines.js';
import { readGivenResults } from '../../turns/running/input/stored-request.js';
import { toExecutionId } from '../dto/execution-id.js';

/** A result of a tool of the caller, as the prompt of a turn has it. */
interface ResultBlock {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content: CallerToolResult['content'];
  readonly is_error: boolean;
}

/** A turn as a reader of the thread's conversation needs it. Contents have the forms of the Messages API. */
export interface HistoryTurnView {
  readonly sequence: number;
  readonly execution_id: string;
  readonly status: TurnState;
  /** The kind of client that made it: `claude-code`, `codex`, `sdk`, `responses`, `session`. */
  readonly client: string;
  readonly created_at: string;
  readonly ended_at: string | null;
  /** What the user said, also while the agent worked; empty for a turn that only has results of tools. */
  readonly prompt: readonly (Prompt[number] | ResultBlock)[];
  /** What there is of the answer, without thinking; empty until the turn has ended. */
  readonly answer: readonly ContentBlock[];
  readonly error: string | null;
}

/** How the agent's tools are shown. */
export interface HistoryForm {
  readonly toolBlocks: ToolBlockForm;
  /** Maximum output of a tool, in characters. */
  readonly toolOutputLimit: number;
}

/** Converts a turn, with all that its user said. In the form `text`, calls of the caller's tools are texts, too, and their results are left out. */
export function toHistoryTurn(turn: Turn, said: Prompt, form: HistoryForm): HistoryTurnView {
  return {
    sequence: turn.sequence,
    execution_id: toExecutionId(turn.id),
    status: turn.state,
    client: turn.caller,
    created_at: new Date(turn.createdAt).toISOString(),
    ended_at: turn.endedAt === undefined ? null : new Date(turn.endedAt).toISOString(),
    prompt: form.toolBlocks === 'text' ? said : [...readGivenResults(turn).map(toResultBlock), ...said],
    answer: toAnswer(turn, form),
    error: turn.failure?.message ?? null,
  };
}

function toAnswer({ message }: Turn, { toolBlocks, toolOutputLimit }: HistoryForm): readonly ContentBlock[] {
  if (message === undefined) return [];
  const presentation = { toolBlocks, toolOutputLimit, thinking: 'none' } as const;
  const content = contentAsShown(message, { presentation, stopSequences: [], forcedCall: undefined });
  return toolBlocks === 'text' ? content.map(callAsText) : content;
}

function callAsText(block: ContentBlock): ContentBlock {
  if (block.type !== 'tool_use') return block;
  return {
    type: 'text',
    text: renderCall({ ...block, type: 'mcp_tool_use', server_name: AGENT_SERVER }),
    citations: null,
  };
}

function toResultBlock({ callId, content, isError }: CallerToolResult): ResultBlock {
  return { type: 'tool_result', tool_use_id: callId, content, is_error: isError };
}

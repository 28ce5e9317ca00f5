import type { HarnessEvent, ToolResultContent } from '../../domain/harness-event.js';
import { parseObject } from '../../domain/json.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import { toForcedInput } from '../../translator/views/forced-tool.js';
import { renderCall } from '../../translator/views/tool-lines.js';
import type { FunctionCallItem, McpCallItem } from '../wire/output-item.js';
import { toItemId } from '../wire/response-ids.js';
import {
  emit,
  inOrder,
  type OpenCall,
  renderArguments,
  type ResponseMove,
  type ResponseState,
  type ResponseStep,
  withItem,
} from './response-state.js';
import { sendMessage, settle } from './text-items.js';

type ToolCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;
type ToolResult = Extract<HarnessEvent, { readonly type: 'tool-result' }>;
type CallerToolCall = Extract<HarnessEvent, { readonly type: 'caller-tool-call' }>;

const NO_RESULT = 'The turn ended before this tool returned a result.';

/** Shows a call of an inner tool: as an item, as a line of text for a client that shows no such items, or both. */
export function beginCall(state: ResponseState, event: ToolCall): ResponseStep {
  const { toolForm } = state.view;
  const moves: ResponseMove[] = [(current) => settle(current, 'commentary')];
  if (toolForm === 'lines' || toolForm === 'both') {
    const { id, name, server, input } = event;
    const line = renderCall({ type: 'mcp_tool_use', id, name, server_name: server, input });
    moves.push((current) => sendMessage(current, line, 'commentary'));
  }
  if (toolForm === 'calls' || toolForm === 'both') moves.push((current) => openCall(current, event));
  return inOrder(state, ...moves);
}

function openCall(state: ResponseState, { id: callId, name, server, input }: ToolCall): ResponseStep {
  const index = state.nextIndex;
  const item: McpCallItem = {
    id: toItemId('mcp', state.messageId, index),
    type: 'mcp_call',
    status: 'in_progress',
    server_label: server,
    name,
    arguments: renderArguments(input),
    output: null,
    error: null,
    approval_request_id: null,
  };
  const place = { item_id: item.id, output_index: index };
  const calls = new Map(state.calls).set(callId, { index, item });
  return emit(
    { ...state, calls, nextIndex: index + 1 },
    { type: 'response.output_item.added', output_index: index, item: { ...item, arguments: '' } },
    { type: 'response.mcp_call.in_progress', ...place },
    { type: 'response.mcp_call_arguments.delta', ...place, delta: item.arguments },
    { type: 'response.mcp_call_arguments.done', ...place, arguments: item.arguments },
  );
}

/** Finishes the call of a result. Results without a call that is shown are not shown either. */
export function endCall(state: ResponseState, { id, content, isError }: ToolResult): ResponseStep {
  const call = state.calls.get(id);
  if (call === undefined) return [state, []];
  const text = cutOutput(renderOutput(content), state.view.toolOutputLimit);
  return finishCall(
    state,
    id,
    call,
    isError
      ? { ...call.item, status: 'failed', error: text === '' ? 'The tool failed.' : text }
      : { ...call.item, status: 'completed', output: text },
  );
}

/** Finishes the calls that got no result before the turn ended. */
export function endOpenCalls(state: ResponseState): ResponseStep {
  return inOrder(
    state,
    ...[...state.calls].map(
      ([id, call]): ResponseMove =>
        (current) =>
          finishCall(current, id, call, { ...call.item, status: 'incomplete', error: NO_RESULT }),
    ),
  );
}

function finishCall(state: ResponseState, callId: string, { index }: OpenCall, item: McpCallItem): ResponseStep {
  const calls = new Map(state.calls);
  calls.delete(callId);
  return emit(
    { ...withItem(state, index, item), calls },
    {
      type: item.status === 'completed' ? 'response.mcp_call.completed' : 'response.mcp_call.failed',
      item_id: item.id,
      output_index: index,
    },
    { type: 'response.output_item.done', output_index: index, item },
  );
}

/** Sends a call of a tool that the caller runs. Its id is that of the agent: the caller's output must have the same. */
export function sendFunctionCall(state: ResponseState, { id: callId, name, input }: CallerToolCall): ResponseStep {
  return inOrder(
    state,
    (current) => settle(current, 'commentary'),
    (current) => {
      const index = current.nextIndex;
      const item: FunctionCallItem = {
        id: toItemId('fc', current.messageId, index),
        type: 'function_call',
        status: 'completed',
        call_id: callId,
        name,
        arguments: renderArguments(input),
      };
      const place = { item_id: item.id, output_index: index };
      return emit(
        { ...withItem(current, index, item), nextIndex: index + 1 },
        {
          type: 'response.output_item.added',
          output_index: index,
          item: { ...item, status: 'in_progress', arguments: '' },
        },
        { type: 'response.function_call_arguments.delta', ...place, delta: item.arguments },
        { type: 'response.function_call_arguments.done', ...place, name, arguments: item.arguments },
        { type: 'response.output_item.done', output_index: index, item },
      );
    },
  );
}

/**
 * Sends the answer of a turn whose answer has to be a call. Such an answer is one text in one piece. `undefined` for free text, and for an
 * answer that was cut off. The agent does not wait for the call's output.
 */
export function sendForcedCall(state: ResponseState, text: string): ResponseStep | undefined {
  const { forcedCall } = state.view;
  const call = forcedCall === undefined ? undefined : toForcedInput(forcedCall, parseObject(text));
  if (call === undefined) return undefined;
  const id = `call_${state.messageId.replace(/^msg_/, '')}_${state.nextIndex}`;
  return sendFunctionCall(state, { type: 'caller-tool-call', id, ...call });
}

function renderOutput(content: readonly ToolResultContent[]): string {
  return content.map((part) => (part.type === 'text' ? part.text : '[image]')).join('\n');
}

function cutOutput(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${truncateAtCodePoint(text, limit)}… [${text.length - limit} more characters]`;
}

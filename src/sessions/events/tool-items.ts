import type { HarnessEvent, JsonObject, ToolResultContent } from '../../domain/harness-event.js';

/** A tool's call, as the harness emitted it. */
export type ToolCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;
/** A tool's result, as the harness emitted it. */
export type ToolResult = Extract<HarnessEvent, { readonly type: 'tool-result' }>;

/** The `server` of the harness's built-in tools. */
const AGENT = 'agent';

/**
 * The item of a tool call: in progress without a result, completed with one.
 *
 * The agent's built-in `shell` becomes a `commandExecution`, a tool of an MCP server an `mcpToolCall`. Everything else becomes a
 * `dynamicToolCall` with its name and complete input, the only item that represents any tool of any harness without loss.
 */
export function toolItem(call: ToolCall, result: ToolResult | undefined): JsonObject {
  if (isCommand(call)) return commandItem(call, result);
  return call.server === AGENT ? dynamicItem(call, result) : mcpItem(call, result);
}

/** Whether a `commandExecution` can hold the complete input of the call. */
function isCommand({ server, name, input }: ToolCall): boolean {
  if (server !== AGENT || name !== 'shell' || typeof input['command'] !== 'string') return false;
  return Object.entries(input).every(([key, value]) =>
    key === 'cwd' ? typeof value === 'string' && value !== '' : key === 'command',
  );
}

function commandItem(call: ToolCall, result: ToolResult | undefined): JsonObject {
  const command = call.input['command'] ?? '';
  return {
    type: 'commandExecution',
    id: call.id,
    command,
    ...(call.input['cwd'] === undefined ? {} : { cwd: call.input['cwd'] }),
    processId: null,
    source: 'agent',
    status: toStatus(result),
    commandActions: [{ type: 'unknown', command }],
    aggregatedOutput: result === undefined ? null : joinTexts(result.content),
    // Harnesses report failures in different ways; the log has only whether it was one.
    exitCode: result === undefined ? null : Number(result.isError),
    durationMs: readDuration(call, result),
  };
}

function dynamicItem(call: ToolCall, result: ToolResult | undefined): JsonObject {
  return {
    type: 'dynamicToolCall',
    id: call.id,
    namespace: null,
    tool: call.name,
    arguments: call.input,
    status: toStatus(result),
    contentItems: result === undefined ? null : result.content.map(dynamicContent),
    success: result === undefined ? null : !result.isError,
    durationMs: readDuration(call, result),
  };
}

function mcpItem(call: ToolCall, result: ToolResult | undefined): JsonObject {
  const item = {
    type: 'mcpToolCall',
    id: call.id,
    server: call.server,
    tool: call.name,
    status: toStatus(result),
    arguments: call.input,
    durationMs: readDuration(call, result),
  };
  if (result === undefined) return { ...item, result: null, error: null };
  const [only, ...more] = result.content;
  // The error of an MCP tool has one message; a failed result with more content stays a result, so that none is lost.
  if (result.isError && only?.type === 'text' && more.length === 0) {
    return { ...item, result: null, error: { message: only.text } };
  }
  const content = result.content.map(mcpContent);
  return { ...item, result: { content, structuredContent: null, _meta: null }, error: null };
}

/** `null` while the tool runs, and where the log has no times. A clock that was set back makes no negative time. */
function readDuration(call: ToolCall, result: ToolResult | undefined): number | null {
  return call.at === undefined || result?.at === undefined ? null : Math.max(0, result.at - call.at);
}

function toStatus(result: ToolResult | undefined): string {
  if (result === undefined) return 'inProgress';
  return result.isError ? 'failed' : 'completed';
}

function joinTexts(content: readonly ToolResultContent[]): string {
  return content.map((piece) => (piece.type === 'text' ? piece.text : `[image ${piece.mediaType}]`)).join('');
}

function dynamicContent(piece: ToolResultContent): JsonObject {
  return piece.type === 'text'
    ? { type: 'inputText', text: piece.text }
    : { type: 'inputImage', imageUrl: `data:${piece.mediaType};base64,${piece.data}` };
}

function mcpContent(piece: ToolResultContent): JsonObject {
  return piece.type === 'text'
    ? { type: 'text', text: piece.text }
    : { type: 'image', mimeType: piece.mediaType, data: piece.data };
}

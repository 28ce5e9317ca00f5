import type { HarnessEvent, JsonObject, ToolResultContent } from '../../domain/harness-event.js';

/** A tool's call, as the harness emitted it. */
export type ToolCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;
/** A tool's result, as the harness emitted it. */
export type ToolResult = Extract<HarnessEvent, { readonly type: 'tool-result' }>;

/** The server of tools that are the harness's own. */
const AGENT = 'agent';

/**
 * The item of a tool (harness-protocols.md 3.6), running without a result and completed with one.
 *
 * A `shell` of the agent's own is a `commandExecution`, a tool of an MCP server an `mcpToolCall`; everything else, with its
 * name and whole input, a `dynamicToolCall`, as that is the one item that loses nothing of a tool of any harness.
 */
export function toolItem(call: ToolCall, result: ToolResult | undefined): JsonObject {
  if (isCommand(call)) return commandItem(call, result);
  return call.server === AGENT ? dynamicItem(call, result) : mcpItem(call, result);
}

/** Only a call whose input has nothing but what the item can hold. */
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
    // Harnesses tell of a failure in different ways; of all of them only that it was one is left.
    exitCode: result === undefined ? null : Number(result.isError),
    durationMs: null,
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
    durationMs: null,
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
    durationMs: null,
  };
  if (result === undefined) return { ...item, result: null, error: null };
  const [only, ...more] = result.content;
  // An error of an MCP tool is one message; a failed result with more in it keeps what it has.
  if (result.isError && only?.type === 'text' && more.length === 0) {
    return { ...item, result: null, error: { message: only.text } };
  }
  const content = result.content.map(mcpContent);
  return { ...item, result: { content, structuredContent: null, _meta: null }, error: null };
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

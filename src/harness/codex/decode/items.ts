import type { HarnessEvent, JsonObject, JsonValue, ToolResultContent } from '../../../domain/harness-event.js';
import { CALLER_NAMESPACE } from '../caller-tools/carried-tools.js';
import { renderFileChange } from './file-change.js';
import { isJsonObject, asArray, asNumber, asObject, asString } from '../../../domain/json.js';

type ToolCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;
type ToolResult = Extract<HarnessEvent, { readonly type: 'tool-result' }>;

/** The server of tools that are Codex's own. */
const AGENT = 'agent';

/** An inner tool call, from an item. */
export interface ToolItem {
  readonly call: ToolCall;
  /** Whether the call is whole when the item starts; a web search learns its query while it runs. */
  readonly knownAtStart: boolean;
  /** What it gave back, read from the completed item. */
  readonly result: ToolResult;
}

/** Reads a tool's item, its own keys in camel case; `undefined` for an item that is no tool, or one that nobody needs to see. */
export function toToolItem(item: JsonObject, id: string): ToolItem | undefined {
  const tool = (server: string, name: string, input: JsonObject, content: readonly ToolResultContent[]): ToolItem => ({
    call: { type: 'tool-call', id, name, server, input },
    knownAtStart: true,
    result: { type: 'tool-result', id, content, isError: hasFailed(item) },
  });
  switch (asString(item['type'])) {
    case 'commandExecution': {
      const [command, cwd] = [item['command'] ?? '', asString(item['cwd'])];
      const input = { command, ...(cwd === undefined ? {} : { cwd }) };
      return tool(AGENT, 'shell', input, texts(item['aggregatedOutput']));
    }
    case 'fileChange': {
      const changes = asArray(item['changes']).map(asObject);
      const input = { changes: changes.map(({ path = '', kind = null }) => ({ path, kind: kindName(kind) })) };
      return tool(AGENT, 'apply_patch', input, texts(changes.map(renderFileChange).join('\n')));
    }
    case 'mcpToolCall':
      return tool(asString(item['server']) ?? AGENT, toolName(item), toInput(item['arguments']), mcpContent(item));
    case 'dynamicToolCall':
      // The caller's tools have events of their own, from the request for the call.
      if (item['namespace'] === CALLER_NAMESPACE) return undefined;
      return tool(
        AGENT,
        toolName(item),
        toInput(item['arguments']),
        asArray(item['contentItems']).flatMap(contentItem),
      );
    case 'webSearch': {
      const action = item['action'];
      const input = { query: item['query'] ?? '', ...(isJsonObject(action) ? { action } : {}) };
      return { ...tool(AGENT, 'web_search', input, texts(searchText(item))), knownAtStart: false };
    }
    case 'plan':
    case 'todoList': {
      const text = asString(item['text']) ?? planText(asArray(item['items']).map(asObject));
      return { ...tool(AGENT, 'update_plan', { plan: text }, texts(text)), knownAtStart: false };
    }
    case 'imageView':
      return tool(AGENT, 'view_image', { path: item['path'] ?? '' }, []);
    case 'collabAgentToolCall':
      return tool(AGENT, toolName(item), { prompt: item['prompt'] ?? '' }, []);
    default:
      return undefined;
  }
}

/** A plan update, which is no item, as a call of `update_plan` and its result. */
export function planEvents(parameters: JsonObject, id: string): readonly HarnessEvent[] {
  const plan = asArray(parameters['plan']);
  const explanation = asString(parameters['explanation']);
  const input: JsonObject = { ...(explanation === undefined ? {} : { explanation }), plan };
  return [
    { type: 'tool-call', id, name: 'update_plan', server: AGENT, input },
    { type: 'tool-result', id, content: texts(planText(plan.map(asObject))), isError: false },
  ];
}

/** What a call has given back that still runs when its turn ends to wait for the caller; the next turn has the call again, with its result. */
export function runningResult(id: string): ToolResult {
  const text = 'The tool is still running. The next message has its result.';
  return { type: 'tool-result', id, content: texts(text), isError: false };
}

/** What a call gave back that was still running when its turn ended. */
export function abandonedResult(id: string): ToolResult {
  return { type: 'tool-result', id, content: texts('The turn ended before the tool answered.'), isError: true };
}

function hasFailed(item: JsonObject): boolean {
  const status = asString(item['status']);
  const exitCode = asNumber(item['exitCode']) ?? 0;
  return status === 'failed' || status === 'declined' || exitCode !== 0 || item['success'] === false || hasError(item);
}

function hasError(item: JsonObject): boolean {
  return isJsonObject(item['error']) || asObject(item['result'])['isError'] === true;
}

function toolName(item: JsonObject): string {
  return asString(item['tool']) ?? 'tool';
}

function toInput(value: JsonValue | undefined): JsonObject {
  if (value === undefined || value === null) return {};
  return isJsonObject(value) ? value : { arguments: value };
}

function kindName(kind: JsonValue): string {
  return asString(kind) ?? asString(asObject(kind)['type']) ?? 'update';
}

function mcpContent(item: JsonObject): readonly ToolResultContent[] {
  const error = item['error'];
  if (isJsonObject(error)) return texts(error['message']);
  const result = asObject(item['result']);
  const content = asArray(result['content']).flatMap(contentItem);
  const structured = result['structuredContent'];
  return content.length === 0 && isJsonObject(structured) ? texts(JSON.stringify(structured)) : content;
}

/** One piece of a result, of an MCP tool (`text`, `image`) or of a dynamic tool (`inputText`, `inputImage`). */
function contentItem(value: JsonValue): readonly ToolResultContent[] {
  const piece = asObject(value);
  switch (asString(piece['type'])) {
    case 'text':
    case 'inputText':
      return texts(piece['text']);
    case 'image':
      return [
        { type: 'image', mediaType: asString(piece['mimeType']) ?? 'image/png', data: asString(piece['data']) ?? '' },
      ];
    case 'inputImage':
      return toImage(asString(piece['imageUrl']) ?? '');
    default:
      return texts(JSON.stringify(value));
  }
}

function toImage(url: string): readonly ToolResultContent[] {
  const match = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  const [, mediaType, data] = match ?? [];
  return mediaType === undefined || data === undefined ? texts(url) : [{ type: 'image', mediaType, data }];
}

function searchText(item: JsonObject): string {
  const action = asObject(item['action']);
  const url = asString(action['url']);
  if (url !== undefined) return `Opened ${url}`;
  return `Searched for ${asString(action['query']) ?? asString(item['query']) ?? ''}`;
}

const MARK_OF_STATUS: Readonly<Record<string, string>> = { completed: '[x]', inProgress: '[>]', in_progress: '[>]' };

function planText(steps: readonly JsonObject[]): string {
  return steps
    .map((step) => {
      // `codex exec --json` has `text` and `completed` where the app-server has `step` and `status`.
      const status = asString(step['status']) ?? (step['completed'] === true ? 'completed' : 'pending');
      return `${MARK_OF_STATUS[status] ?? '[ ]'} ${asString(step['step']) ?? asString(step['text']) ?? ''}`;
    })
    .join('\n');
}

function texts(text: JsonValue | undefined): readonly ToolResultContent[] {
  return typeof text === 'string' && text !== '' ? [{ type: 'text', text }] : [];
}

import { randomUUID } from 'node:crypto';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult, JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { CallerToolCall } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, asString } from '../../domain/json.js';
import type { ToolDeclaration } from './declarations.js';
import { CALLER_MCP_SERVER } from './names.js';
import type { McpResult } from './results.js';

/** Where Claude Code 2.1.330 puts the model's own id of a call, in `params._meta` of `tools/call` (seen). Other agents do not tell it. */
const CALL_ID_KEY = 'claudecode/toolUseId';

/** Claude Code 2.1.330 wants an answer to a notification, too; the Agent SDK 0.3.330 gives this one. Over HTTP it is not sent. */
const NOTED: JsonObject = { jsonrpc: '2.0', id: 0, result: {} };

/** Answers a call: `name` is that of the server. The agent gives up the call when `signal` aborts. */
export type CallHandler = (call: CallerToolCall, signal: AbortSignal) => Promise<McpResult>;

/** What an MCP server says first, so that an agent can have it before it connects. */
export interface ServerManifest {
  readonly initializeResult: JsonObject;
  readonly toolsListResult: JsonObject;
}

/** The caller's tools as an MCP server, whatever carries its messages. */
export interface CallerServer {
  readonly manifest: ServerManifest;
  /** Answers one JSON-RPC message of the agent. A call is answered when its result is there. */
  answer(message: JsonObject): Promise<JsonObject>;
  /** Ends the server: what waits for an answer gets none. */
  close(): Promise<void>;
}

/**
 * Starts the MCP server with these tools. The SDK is loaded only now: that takes 0.4 s, which a server without caller's tools does not pay.
 */
export async function startCallerServer(tools: readonly ToolDeclaration[], onCall: CallHandler): Promise<CallerServer> {
  const [{ Server }, { CallToolRequestSchema, ListToolsRequestSchema, LATEST_PROTOCOL_VERSION }] = await Promise.all([
    import('@modelcontextprotocol/sdk/server/index.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const channel = new MessageTransport();
  const server = new Server({ name: CALLER_MCP_SERVER, version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map((tool) => ({ ...tool })) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }): Promise<CallToolResult> => {
    const id = asString(asObject(params._meta)[CALL_ID_KEY]) ?? `call_${randomUUID()}`;
    const { content, ...rest } = await onCall({ id, name: params.name, input: asObject(params.arguments) }, signal);
    return { ...rest, content: [...content] };
  });
  await server.connect(channel);
  const handshake = await channel.answer({
    jsonrpc: '2.0',
    id: 'handshake',
    method: 'initialize',
    params: {
      protocolVersion: LATEST_PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'chiron', version: '1' },
    },
  });
  const list = await channel.answer({ jsonrpc: '2.0', id: 'list', method: 'tools/list' });
  return {
    manifest: { initializeResult: asObject(handshake['result']), toolsListResult: asObject(list['result']) },
    answer: (message) => channel.answer(message),
    close: () => server.close(),
  };
}

/** Carries single messages: an answer belongs to the request with its id. */
class MessageTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  private readonly pending = new Map<JSONRPCMessageId, (answer: JsonObject) => void>();

  async start(): Promise<void> {
    // There is nothing to open.
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!('id' in message) || message.id === undefined || 'method' in message) return;
    const { id } = message;
    this.pending.get(id)?.(asObject(message));
    this.pending.delete(id);
  }

  async close(): Promise<void> {
    this.pending.clear();
    this.onclose?.();
  }

  answer(message: JsonObject): Promise<JsonObject> {
    const { id } = message;
    if (typeof id !== 'string' && typeof id !== 'number') {
      this.onmessage?.(message as JSONRPCMessage);
      return Promise.resolve(NOTED);
    }
    return new Promise((resolve) => {
      this.pending.set(id, resolve);
      this.onmessage?.(message as JSONRPCMessage);
    });
  }
}

type JSONRPCMessageId = string | number;

import type { CallerTool, CallerTools } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { toServerToolName } from './names.js';

/**
 * Says whose tool it is, so that the model does not mix up the caller's `Read` and its own. It is a part of each description and not of
 * the server's instructions: Claude Code 2.1.330 tells a resumed conversation that those no longer apply (seen).
 */
const SIDE =
  'This tool belongs to the caller and runs on the caller’s machine, outside your workspace: ' +
  'it does not see your files, and your own tools do not see its files.';

/** A tool as the `tools/list` of MCP has it. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject & { readonly type: 'object' };
  readonly annotations: { readonly title: string; readonly readOnlyHint: boolean };
  readonly _meta?: { readonly 'anthropic/alwaysLoad': true };
}

/**
 * Declares the caller's tools to Claude Code. It runs calls of read-only tools at the same time and others one by one, and loads a tool
 * before it is searched for if `alwaysLoad` is set (2.1.330, seen). It reads nothing else from `readOnlyHint` with skipped permissions.
 */
export function declareTools({ tools, allowsParallelCalls }: CallerTools): readonly ToolDeclaration[] {
  return tools.map((tool) => ({
    name: toServerToolName(tool.name),
    description: describe(tool),
    inputSchema: { ...tool.inputSchema, type: 'object' },
    annotations: { title: `${tool.name} (the caller’s)`, readOnlyHint: allowsParallelCalls },
    ...(tool.isDeferred ? {} : { _meta: { 'anthropic/alwaysLoad': true } }),
  }));
}

function describe({ description }: CallerTool): string {
  return description === '' ? SIDE : `${SIDE}\n\n${description}`;
}

import type { CallerTool, CallerTools } from '../../../domain/caller-tool.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { toCarriedName } from '../../caller-tool-names.js';

/**
 * The namespace of the caller's tools: the model sees `caller.read` beside Codex's own tools, so that no name is taken, now or in a later
 * version, and it is plain whose tool it is. Codex 0.169.0 itself puts tools into namespaces for every model (`multi_agent_v1`, seen).
 */
export const CALLER_NAMESPACE = 'caller';

/** OpenAI's limit on the names of functions. Codex 0.169.0 itself demands `^[a-zA-Z0-9_-]+$` (seen). */
const MAX_NAME_LENGTH = 64;

const NAMESPACE_DESCRIPTION =
  "Tools of the caller. They run on the caller's machine, not in your workspace: they do not see your files, and you do not see theirs.";

const WHERE = "(Runs on the caller's machine, not in your workspace.)";

/** The caller's tools of a turn, as Codex knows them. */
export interface CarriedTools {
  /** `dynamicTools` of `thread/start`; empty for no tools. */
  readonly specs: readonly JsonObject[];
  /** The tools by the names under which Codex calls them. */
  readonly byCarriedName: ReadonlyMap<string, CallerTool>;
  readonly allowsParallelCalls: boolean;
}

const NO_CALLER_TOOLS: CarriedTools = { specs: [], byCarriedName: new Map(), allowsParallelCalls: true };

/** Codex 0.169.0 allows such names in no namespace (seen). */
const isReserved = (name: string): boolean => /^mcp(__|$)/.test(name);

/** The name of a caller's tool in its namespace. */
export function toCodexToolName(name: string): string {
  // A name that was changed keeps its beginning, which is what is reserved.
  return isReserved(name)
    ? `_${toCarriedName(name, { maxLength: MAX_NAME_LENGTH - 1, isReserved })}`
    : toCarriedName(name, { maxLength: MAX_NAME_LENGTH });
}

/** The caller's tools in Codex's form (0.169.0: `DynamicToolSpec`). */
export function toCarriedTools(callerTools: CallerTools | undefined): CarriedTools {
  if (callerTools === undefined) return NO_CALLER_TOOLS;
  const { tools, allowsParallelCalls } = callerTools;
  const namespace: JsonObject = {
    type: 'namespace',
    name: CALLER_NAMESPACE,
    description: NAMESPACE_DESCRIPTION,
    tools: tools.map(toSpec),
  };
  return {
    specs: [namespace],
    byCarriedName: new Map(tools.map((tool) => [toCodexToolName(tool.name), tool])),
    allowsParallelCalls,
  };
}

function toSpec({ name, description, inputSchema, isDeferred }: CallerTool): JsonObject {
  return {
    type: 'function',
    name: toCodexToolName(name),
    description: description === '' ? WHERE : `${description}\n\n${WHERE}`,
    inputSchema: toInputSchema(inputSchema),
    ...(isDeferred ? { deferLoading: true } : {}),
  };
}

/** Codex 0.169.0 refuses the whole conversation for a tool whose input is `null` (seen); any other schema it simplifies by itself. */
function toInputSchema(schema: JsonObject): JsonObject {
  return schema['type'] === 'null' ? { type: 'object', properties: {} } : schema;
}

/**
 * Settings of a conversation with tools of a caller. Newer models (GPT-5.6, GPT-6) call tools from a script that Codex 0.169.0 runs, and
 * which would wait for the caller: nothing of it would survive the process, and its calls have no place in the record. With this, the
 * model calls the tools of the namespace itself, on every model; one that is deferred is then loaded at once (both seen), which a
 * deferred tool allows, and which models without a search of tools need.
 */
export const CALLER_TOOLS_CONFIG: JsonObject = {
  'features.code_mode.direct_only_tool_namespaces': [CALLER_NAMESPACE],
};

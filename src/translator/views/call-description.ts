import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { asString, isJsonObject } from '../../domain/json.js';
import type { McpToolUseBlock } from '../../anthropic/stream-event.js';

/** The server name of the agent's own tools. */
const AGENT = 'agent';

/** The title of a call: the tool's name and its most informative argument. Neither is truncated or escaped. */
export interface CallDescription {
  readonly name: string;
  readonly argument: string;
}

type Argument = (input: JsonObject) => string | undefined;

/**
 * The shown argument of a call by tool name: the tools of Claude Code 2.1.330 and 2.1.197, Codex 0.169.0 (`codex/items.ts`) and the
 * demo agent. `undefined` for an unexpected input.
 */
const ARGUMENTS: Readonly<Record<string, Argument>> = {
  Bash: field('command'),
  shell: (input) => withoutShell(asString(input['command'])),
  Read: path('file_path'),
  Edit: path('file_path'),
  MultiEdit: path('file_path'),
  Write: path('file_path'),
  NotebookEdit: path('notebook_path'),
  LS: path('path'),
  view_image: path('path'),
  Grep: (input) => pairs(input, ['pattern', 'path', 'glob', 'type']),
  Glob: (input) => pairs(input, ['pattern', 'path']),
  Task: field('description'),
  Agent: field('description'),
  WebFetch: field('url'),
  WebSearch: field('query'),
  web_search: field('query'),
  Skill: field('skill'),
  ToolSearch: field('query'),
  TodoWrite: ({ todos }) =>
    asObjects(todos)
      ?.map(({ content }) => asString(content) ?? '')
      .join(', '),
  update_plan: () => '',
  apply_patch: ({ changes }) =>
    asObjects(changes)
      ?.map((change) => relative(asString(change['path']) ?? ''))
      .join(', '),
};

/** The argument shown for tools that are not in the table: the first of these fields that the input has. */
const MAIN_FIELDS = ['command', 'file_path', 'path', 'pattern', 'query', 'url', 'description', 'prompt'] as const;

/** Makes the title of a call: `Bash` and its command, `Grep` and `pattern: "TODO"`, `warehouse - query (MCP)` and its input. */
export function describeCall({ name, server_name: server, input }: McpToolUseBlock): CallDescription {
  if (server !== AGENT) return { name: `${server} - ${name} (MCP)`, argument: pairs(input, Object.keys(input)) };
  const known = Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name]?.(input) : undefined;
  return { name, argument: known ?? summarize(input) ?? pairs(input, Object.keys(input)) };
}

function field(name: string): Argument {
  return (input) => asString(input[name]);
}

function path(name: string): Argument {
  return (input) => {
    const text = asString(input[name]);
    return text === undefined ? undefined : relative(text);
  };
}

function summarize(input: JsonObject): string | undefined {
  return MAIN_FIELDS.map((name) => asString(input[name])).find((text) => text !== undefined);
}

function pairs(input: JsonObject, names: readonly string[]): string {
  return names
    .flatMap((name) => (input[name] === undefined ? [] : [`${name}: ${JSON.stringify(input[name])}`]))
    .join(', ');
}

/** Strips the directories above the thread's workspace from a path; they mean nothing to a caller. */
function relative(text: string): string {
  return text.replace(/^.*\/threads\/[0-9a-f-]{36}\/workspace\//, '');
}

/** Strips the shell that Codex 0.169.0 puts around a command: `/bin/bash -lc 'ls -la'`. */
function withoutShell(command: string | undefined): string | undefined {
  const [, single, double, word] =
    /^(?:\/\S*\/)?(?:ba|z|da)?sh -l?c (?:'(.*)'|"(.*)"|(\S+))$/s.exec(command ?? '') ?? [];
  return single?.replaceAll(/'\\''|'"'"'/g, "'") ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? word ?? command;
}

function asObjects(value: JsonValue | undefined): readonly JsonObject[] | undefined {
  return Array.isArray(value) ? value.filter(isJsonObject) : undefined;
}

import { arrayOf, isRecord, type JsonRecord, textOf } from './anthropic-answer.js';
import type { Piece } from './pieces.js';

/** A tool that an agent offers to its model, with the JSON schema of its input. */
export interface OfferedTool {
  readonly name: string;
  readonly schema: JsonRecord;
}

/** A call of a tool. */
export interface ScriptedCall {
  readonly name: string;
  readonly input: JsonRecord;
}

// opencode 1.18.33, Copilot 1.0.102 and pi: `bash`; Kimi 2.1.0: `Bash`; Gemini CLI 0.61.0 and Qwen Code 0.24.4: `run_shell_command`.
const SHELL_TOOLS = ['bash', 'Bash', 'run_shell_command'];

/** The call of the shell tool that runs this command, with a value for whatever else its schema demands; `undefined` when none is offered. */
export function shellCallOf(tools: readonly OfferedTool[], command: string): ScriptedCall | undefined {
  const tool = tools.find(({ name }) => SHELL_TOOLS.includes(name));
  if (tool === undefined) return undefined;
  const required = arrayOf(tool.schema['required']).filter((name) => typeof name === 'string');
  const properties = isRecord(tool.schema['properties']) ? tool.schema['properties'] : {};
  const others = required
    .filter((name) => name !== 'command')
    .map((name): readonly [string, unknown] => [name, valueFor(properties[name])]);
  return { name: tool.name, input: { command, ...Object.fromEntries(others) } };
}

/** The calls of an answer's pieces. A command without a shell tool is left out. */
export function callsOf(pieces: readonly Piece[], tools: readonly OfferedTool[]): readonly ScriptedCall[] {
  return pieces.flatMap((piece): readonly ScriptedCall[] => {
    if (piece.kind === 'use') return [{ name: piece.tool, input: piece.input }];
    if (piece.kind !== 'calls') return [];
    return piece.commands.flatMap((command) => shellCallOf(tools, command) ?? []);
  });
}

function valueFor(schema: unknown): unknown {
  const type = isRecord(schema) ? textOf(schema['type']).toLowerCase() : '';
  switch (type) {
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return 30;
    default:
      return 'Run a command';
  }
}

// Qwen Code 0.24.4 asks with all its tools for what to remember and to suggest, behind the whole conversation.
const BESIDE = /^(Managed memory has |\[SUGGESTION MODE)/;

/** Whether a request is none of the agent's conversation, but one for a title, a route, a memory or a suggestion: it has no shell tool, or such a prompt. */
export function isBesideConversation(tools: readonly OfferedTool[], newestTexts: readonly string[]): boolean {
  return shellCallOf(tools, '') === undefined || newestTexts.some((text) => BESIDE.test(text));
}

/**
 * The command's own output in what an agent tells its model of it. Gemini CLI 0.61.0 and Qwen Code 0.24.4 have it behind `Output: `, and name the
 * process group below; Copilot 1.0.102 ends it with `<shellId: 0 completed with exit code 0>`, and Kimi 2.1.0 begins it with `Wall time: …`.
 */
export function printedBy(output: string): string {
  const named = /^Output: ([\s\S]*?)\n(?:Error|Exit Code|Signal|Background PIDs|Process Group PGID): /m.exec(
    output,
  )?.[1];
  if (named !== undefined) return named.trim();
  return output
    .replace(/^Wall time: .*\n/, '')
    .replace(/<shellId: \d+ [^>]*>\s*$/, '')
    .trim();
}

import type { CallerTool } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { checkAnswer } from '../../workers/check-schema.js';

/**
 * Checks the input of a call of a strict tool, off the event loop. Returns what is wrong with it, for the model; `undefined` for a valid
 * input, for a tool that is not strict, and for a schema that cannot be used for a check.
 */
export async function findInputProblem(tool: CallerTool, input: JsonObject): Promise<string | undefined> {
  if (!tool.isStrict) return undefined;
  const check = await checkAnswer(tool.inputSchema, JSON.stringify(input));
  if (check.kind !== 'invalid') return undefined;
  return `The input violates the schema of the tool; the call did not reach the caller. Violations: ${check.violations.join(', ')}`;
}

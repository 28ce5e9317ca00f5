import type { CallerTool } from '../../../domain/caller-tool.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { checkAnswer } from '../../../workers/check-schema.js';

/**
 * What the agent is told of an input that violates the schema of a strict tool; `undefined` for a valid one, and for a schema that cannot
 * be checked. Rejects when no worker thread can be started.
 */
export async function checkStrictInput({ inputSchema }: CallerTool, input: JsonObject): Promise<string | undefined> {
  const check = await checkAnswer(inputSchema, JSON.stringify(input));
  if (check.kind !== 'invalid') return undefined;
  return `The input does not follow the schema of the tool: ${check.violations.join(', ')}. Call it again with a valid input.`;
}

import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';
import type { HarnessTurn } from '../harness.js';

/**
 * The prompt of a turn whose results cannot be given to the calls themselves, as neither a process nor the agent's record has these: the results,
 * and then what the user says. The prompt as it is for a turn without results. Rejects when the log cannot be read.
 */
export async function toResultsPrompt(
  turn: Pick<HarnessTurn, 'prompt' | 'toolResults' | 'loadCallEvents'>,
): Promise<Prompt> {
  const { prompt, toolResults = [] } = turn;
  if (toolResults.length === 0) return prompt;
  const calls = new Map(((await turn.loadCallEvents?.()) ?? []).flatMap(toNamedCall));
  const told = toolResults.flatMap(({ callId, content, isError }): Prompt => {
    const what = calls.get(callId) ?? 'A tool of the caller that you called';
    return [{ type: 'text', text: `${what} ${isError ? 'failed' : 'returned'}:` }, ...content];
  });
  return [...told, ...prompt];
}

function toNamedCall(event: HarnessEvent): readonly (readonly [string, string])[] {
  if (event.type !== 'caller-tool-call') return [];
  const { id, name, input } = event;
  return [[id, `The caller's tool ${name}, which you called with ${JSON.stringify(input)},`]];
}

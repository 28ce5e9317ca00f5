import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { HarnessTurn } from '../../harness.js';
import type { WantedSession } from '../conversation/acp-process.js';

/** Asks an agent to go on with a turn that broke off. */
export const GO_ON_PROMPT: Prompt = [
  {
    type: 'text',
    text: 'Your process was ended in the middle of your work on the last message, and has been started again. Go on where you stopped. Do not repeat what has had its effect.',
  },
];

/** Tells an agent why the calls of the caller's tools were interrupted that it made last. */
export const CALLS_NOT_RUN: Prompt = [
  { type: 'text', text: 'The caller has not run the tools that you called last. It says instead:' },
];

/** Lets the agent hear what the user says besides the results: at the end of the last one. */
export function withWords(results: readonly CallerToolResult[], words: Prompt): readonly CallerToolResult[] {
  const last = results.at(-1);
  if (words.length === 0 || last === undefined) return results;
  const said: Prompt = [{ type: 'text', text: 'Besides, the user says:' }, ...words];
  return [...results.slice(0, -1), { ...last, content: [...last.content, ...said] }];
}

/** Turns cannot be cut out of a session: one that drops some begins anew, unless an earlier attempt of it has done so. */
export function toWanted({ attempt, dropFrom, priorEvents = [] }: HarnessTurn): WantedSession {
  const hasBegun = priorEvents.some(({ type }) => type === 'session-started');
  if (dropFrom !== undefined && !hasBegun) return 'new';
  return attempt === 1 ? 'continued' : 'replayed';
}

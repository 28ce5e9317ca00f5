import type { JsonObject } from '../../domain/harness-event.js';
import { asString } from '../../domain/json.js';
import { quoteForCaller } from '../../domain/service-error.js';

/** What the lines of an execution ask of the agent beside their words. */
export interface ModelRequest {
  /** The model for this turn and the later ones; `undefined` to keep the thread's. */
  readonly model: string | undefined;
  /** What is not done as the lines ask, in sentences for the user. */
  readonly warnings: readonly string[];
}

/**
 * Reads the model that an execution asks for: the last user line that names one counts. Centaur's Slack and Linear bots and its console put
 * `model`, `provider` and `reasoning` into the line (read in their sources of 2026-07-16).
 *
 * @param knowsModel whether the thread's harness can run a model of this name.
 */
export function readModelRequest(
  lines: readonly JsonObject[],
  harness: string,
  knowsModel: (model: string) => boolean,
): ModelRequest {
  const read = (name: string): string | undefined =>
    lines.map((line) => asString(line[name])).findLast((value) => value !== undefined && value !== '');
  const [asked, provider, reasoning] = [read('model'), read('provider'), read('reasoning')];
  const isKnown = asked !== undefined && knowsModel(asked);
  const warnings = [
    ...(asked === undefined || isKnown
      ? []
      : [`The model was not changed: ${harness} has no model named ${quoteForCaller(asked)}.`]),
    ...(provider === undefined
      ? []
      : [`The model provider ${quoteForCaller(provider)} was not used: it cannot be chosen here.`]),
    ...(reasoning === undefined
      ? []
      : [`The reasoning effort ${quoteForCaller(reasoning)} was not used: it cannot be chosen here.`]),
  ];
  return { model: isKnown ? asked : undefined, warnings };
}

import { HARNESS_NAMES, type HarnessName } from './harness.js';

/** What decides which harness a new thread gets. */
export interface HarnessChoices {
  /** The harnesses that this server can run, in the order in which `auto` prefers them. */
  readonly available: readonly { readonly name: HarnessName; knowsModel(model: string): boolean }[];
  readonly defaultHarness: HarnessName;
  readonly routes: readonly { readonly pattern: string; readonly harness: HarnessName }[];
  /** Whether a name that has no route and is not of the default harness's kind is refused. */
  readonly refusesUnknown: boolean;
}

/** A new thread's harness, and the model to ask it for: `undefined` for the harness's own default. */
export interface HarnessChoice {
  readonly harness: HarnessName;
  readonly model: string | undefined;
}

/** The routes that hold by default when both CLIs are there and nobody named a default harness. */
export const BUILT_IN_ROUTES: HarnessChoices['routes'] = [
  { pattern: 'claude-*', harness: 'claude-code' },
  { pattern: 'gpt-*', harness: 'codex' },
];

/**
 * The harness for a requested model, or `undefined` when the request or a route names a harness that this server does not
 * have, or when unknown names are refused.
 *
 * `<harness>/<model>` and `<harness>` alone name it; else the first route whose pattern fits; else the default. A model name
 * that is not of the chosen harness's kind becomes the harness's own default, so that a Claude Code caller can drive Codex.
 */
export function chooseHarness(model: string, choices: HarnessChoices): HarnessChoice | undefined {
  const [first = '', ...rest] = model.split('/');
  const named = HARNESS_NAMES.find((name) => name === first);
  if (named !== undefined) {
    const wanted = rest.join('/');
    const found = choices.available.some((harness) => harness.name === named);
    return found ? { harness: named, model: wanted === '' ? undefined : wanted } : undefined;
  }
  const route = choices.routes.find((candidate) => fits(candidate.pattern, model));
  const name = route?.harness ?? choices.defaultHarness;
  const harness = choices.available.find((candidate) => candidate.name === name);
  if (harness === undefined) return undefined;
  if (choices.refusesUnknown && route === undefined && !harness.knowsModel(model)) return undefined;
  return { harness: name, model: harness.knowsModel(model) ? model : undefined };
}

/** `*` stands for any text, everything else for itself, in one case or another. */
function fits(pattern: string, model: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${expression}$`, 'i').test(model);
}

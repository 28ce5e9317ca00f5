import type { HarnessName } from '../harness.js';

/** What decides which harness a new thread gets. */
export interface ModelRouting {
  /** The harnesses of this version, here or not. */
  readonly names: readonly HarnessName[];
  /** The harnesses that this server can run, in the order in which `auto` prefers them. */
  readonly available: readonly { readonly name: HarnessName; knowsModel(model: string): boolean }[];
  readonly defaultHarness: HarnessName;
  readonly routes: readonly { readonly pattern: string; readonly harness: HarnessName }[];
  /** Whether a name without a route goes to the first harness that knows it, before the default one. */
  readonly routesByKind: boolean;
  /** Whether a name that has no route and is not of the default harness's kind is refused. */
  readonly refusesUnknown: boolean;
}

/** A new thread's harness, and the model to ask it for: `undefined` for the harness's own default. */
export interface HarnessChoice {
  readonly harness: HarnessName;
  readonly model: string | undefined;
}

/**
 * The harness for a requested model, or `undefined` when the request or a route names a harness that this server does not
 * have, or when unknown names are refused.
 *
 * `<harness>/<model>` and `<harness>` alone name it; else the first route whose pattern fits; else the default. A model name
 * that is not of the chosen harness's kind becomes the harness's own default, so that a Claude Code caller can drive Codex; what
 * the caller is then told is {@link answeredModel}.
 */
export function routeModel(model: string, choices: ModelRouting): HarnessChoice | undefined {
  const [first = '', ...rest] = model.split('/');
  const named = choices.names.find((name) => name === first);
  if (named !== undefined) {
    const wanted = rest.join('/');
    const found = choices.available.some((harness) => harness.name === named);
    return found ? { harness: named, model: wanted === '' ? undefined : wanted } : undefined;
  }
  const route = choices.routes.find((candidate) => matchesPattern(candidate.pattern, model));
  const known = choices.routesByKind ? choices.available.find((harness) => harness.knowsModel(model)) : undefined;
  const name = route?.harness ?? known?.name ?? choices.defaultHarness;
  const harness = choices.available.find((candidate) => candidate.name === name);
  if (harness === undefined) return undefined;
  if (choices.refusesUnknown && route === undefined && !harness.knowsModel(model)) return undefined;
  return { harness: harness.name, model: harness.knowsModel(model) ? model : undefined };
}

/**
 * The `model` of an answer: the requested name where the harness was asked for it, and the harness's name where its own default takes
 * the place of the requested one, so that no answer names a model that did not run. `usage.iterations` has the models of all calls.
 */
export function answeredModel(requested: string, { harness, model }: HarnessChoice): string {
  return model === undefined ? harness : requested;
}

/** `*` stands for any text, everything else for itself, in one case or another. */
function matchesPattern(pattern: string, model: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${expression}$`, 'i').test(model);
}

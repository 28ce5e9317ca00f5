import { matchesModelPattern } from '../../domain/model-pattern.js';
import type { HarnessName } from '../harness.js';

/** The inputs that decide which harness a new thread gets. */
export interface ModelRouting {
  /** All harnesses of this version, available or not. */
  readonly names: readonly HarnessName[];
  /** The harnesses that this server can run, in the order of preference for `auto`. */
  readonly available: readonly { readonly name: HarnessName; knowsModel(model: string): boolean }[];
  readonly defaultHarness: HarnessName;
  readonly routes: readonly { readonly pattern: string; readonly harness: HarnessName }[];
  /** Whether a name without a route goes to the first harness that knows it, rather than to the default harness. */
  readonly routesByKind: boolean;
  /** Whether to refuse a name that has no route and that the default harness does not know. */
  readonly refusesUnknown: boolean;
}

/** A new thread's harness, and the model to request from it: `undefined` for the harness's own default. */
export interface HarnessChoice {
  readonly harness: HarnessName;
  readonly model: string | undefined;
}

/**
 * Picks the harness for a requested model: `<harness>/<model>` or `<harness>` selects it explicitly, then the first route with a
 * matching pattern, then the default. `undefined` if the request or a route names a harness that is not available, or if unknown names
 * are refused.
 *
 * If the chosen harness does not know the model name, it runs its own default model, so that a Claude Code caller can drive Codex. The
 * response then reports {@link answeredModel}.
 */
export function routeModel(model: string, routing: ModelRouting): HarnessChoice | undefined {
  const [first = '', ...rest] = model.split('/');
  const named = routing.names.find((name) => name === first);
  if (named !== undefined) {
    const harnessModel = rest.join('/');
    const isAvailable = routing.available.some((harness) => harness.name === named);
    return isAvailable ? { harness: named, model: harnessModel === '' ? undefined : harnessModel } : undefined;
  }
  const route = routing.routes.find((candidate) => matchesModelPattern(candidate.pattern, model));
  const knowing = routing.routesByKind ? routing.available.find((harness) => harness.knowsModel(model)) : undefined;
  const name = route?.harness ?? knowing?.name ?? routing.defaultHarness;
  const harness = routing.available.find((candidate) => candidate.name === name);
  if (harness === undefined) return undefined;
  if (routing.refusesUnknown && route === undefined && !harness.knowsModel(model)) return undefined;
  return { harness: harness.name, model: harness.knowsModel(model) ? model : undefined };
}

/**
 * The `model` field of a response: the requested name, or the harness's name if the harness runs its own default instead. So no
 * response names a model that did not run. `usage.iterations` lists the models of all calls.
 */
export function answeredModel(requested: string, { harness, model }: HarnessChoice): string {
  return model === undefined ? harness : requested;
}

import type { HarnessModel, HarnessName } from '../harness.js';
import type { HarnessChoice, ModelRouting } from './route-model.js';

/** A model name that requests can use, with the model behind it. */
export interface ServedModel extends HarnessModel {
  readonly harness: HarnessName;
  /** False for the demo agent, which uses no model. */
  readonly hasModel: boolean;
}

/** The inputs for the list of offered models. */
export interface ModelSources {
  /** The available harnesses in order of preference; `models` is `undefined` for a harness without a model. */
  readonly harnesses: readonly {
    readonly name: HarnessName;
    readonly displayName: string;
    readonly models: readonly HarnessModel[] | undefined;
    /** Whether its models are offered as `<harness>/<model>` only. */
    readonly offersFullNames?: boolean;
  }[];
  /** The configured routes. */
  readonly routes: ModelRouting['routes'];
  /** Routes a request for a model name. */
  route(model: string): HarnessChoice | undefined;
}

/**
 * Lists the offered models without duplicates: configured routes, then each harness under its own name and with its models. If a
 * model's name alone would route to another harness, it is offered as `<harness>/<model>`, as are all of a harness with `offersFullNames`.
 */
export function servedModels(sources: ModelSources): readonly ServedModel[] {
  const offered = [...routedModels(sources), ...sources.harnesses.flatMap((harness) => listModels(harness, sources))];
  return offered.filter(({ id }, index) => offered.findIndex((model) => model.id === id) === index);
}

/** Finds an offered model; also accepts `<harness>/<model>` for a model that is offered by its short name. */
export function findServedModel(id: string, sources: ModelSources): ServedModel | undefined {
  const models = servedModels(sources);
  const found = models.find((model) => model.id === id);
  if (found !== undefined) return found;
  const same = models.find((model) => id === `${model.harness}/${model.id}` && model.id !== model.harness);
  return same === undefined ? undefined : { ...same, id };
}

function listModels(
  { name, displayName, models, offersFullNames = false }: ModelSources['harnesses'][number],
  sources: ModelSources,
): readonly ServedModel[] {
  const hasModel = models !== undefined;
  return [
    defaultModel(name, displayName, name, hasModel),
    ...(models ?? []).map((model) => {
      const choice = sources.route(model.id);
      const isReached = !offersFullNames && choice?.harness === name && choice.model === model.id;
      const named = isReached
        ? { id: model.id, displayName: model.displayName }
        : { id: `${name}/${model.id}`, displayName: `${model.displayName} (${displayName})` };
      return { ...model, ...named, harness: name, hasModel };
    }),
  ];
}

/** Skips routes with a wildcard, and those that an earlier pattern shadows or whose harness is not available. */
function routedModels(sources: ModelSources): readonly ServedModel[] {
  return sources.routes.flatMap(({ pattern }) => {
    const choice = pattern.includes('*') ? undefined : sources.route(pattern);
    const harness = sources.harnesses.find(({ name }) => name === choice?.harness);
    if (choice === undefined || harness === undefined) return [];
    const known = harness.models?.find(({ id }) => id === choice.model);
    if (known !== undefined) return [{ ...known, id: pattern, harness: harness.name, hasModel: true }];
    const displayName = `${pattern} (${harness.displayName})`;
    return [defaultModel(pattern, displayName, harness.name, harness.models !== undefined)];
  });
}

/** A harness with its own default model. */
function defaultModel(id: string, displayName: string, harness: HarnessName, hasModel: boolean): ServedModel {
  return { id, displayName, harness, hasModel };
}

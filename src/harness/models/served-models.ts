import type { HarnessModel, HarnessName } from '../harness.js';
import type { HarnessChoice, ModelRouting } from './route-model.js';

/** A model name that a request to this server can have, and what it stands for. */
export interface ServedModel extends HarnessModel {
  readonly harness: HarnessName;
  /** False for the agent that plays its part without a model. */
  readonly hasModel: boolean;
}

/** What the model names of a server follow from. */
export interface ModelSources {
  /** The harnesses that are here, preferred ones first; `undefined` models for one that has no model. */
  readonly harnesses: readonly {
    readonly name: HarnessName;
    readonly displayName: string;
    readonly models: readonly HarnessModel[] | undefined;
  }[];
  /** What the deployment configured. */
  readonly routes: ModelRouting['routes'];
  /** What a request with a model name would get. */
  choose(model: string): HarnessChoice | undefined;
}

/**
 * The model names that the server offers, each once: names of configured routes, then each harness with its own name and its
 * models. A model whose name alone would reach another harness is offered as `<harness>/<model>`, which always works.
 */
export function servedModels(sources: ModelSources): readonly ServedModel[] {
  const offered = [...routedModels(sources), ...sources.harnesses.flatMap((harness) => listModels(harness, sources))];
  return offered.filter(({ id }, index) => offered.findIndex((model) => model.id === id) === index);
}

/** The model of a name, also of a `<harness>/<model>` that is offered by its shorter name; `undefined` for any other. */
export function findServedModel(id: string, sources: ModelSources): ServedModel | undefined {
  const models = servedModels(sources);
  const found = models.find((model) => model.id === id);
  if (found !== undefined) return found;
  const same = models.find((model) => id === `${model.harness}/${model.id}` && model.id !== model.harness);
  return same === undefined ? undefined : { ...same, id };
}

function listModels(
  { name, displayName, models }: ModelSources['harnesses'][number],
  sources: ModelSources,
): readonly ServedModel[] {
  const hasModel = models !== undefined;
  return [
    unnamedModel(name, displayName, name, hasModel),
    ...(models ?? []).map((model) => {
      const choice = sources.choose(model.id);
      const isReached = choice?.harness === name && choice.model === model.id;
      const named = isReached
        ? { id: model.id, displayName: model.displayName }
        : { id: `${name}/${model.id}`, displayName: `${model.displayName} (${displayName})` };
      return { ...model, ...named, harness: name, hasModel };
    }),
  ];
}

/** Routes with a pattern name no model. A route may also lose its name to an earlier pattern, or its harness not be here. */
function routedModels(sources: ModelSources): readonly ServedModel[] {
  return sources.routes.flatMap(({ pattern }) => {
    const choice = pattern.includes('*') ? undefined : sources.choose(pattern);
    const harness = sources.harnesses.find(({ name }) => name === choice?.harness);
    if (choice === undefined || harness === undefined) return [];
    const known = harness.models?.find(({ id }) => id === choice.model);
    if (known !== undefined) return [{ ...known, id: pattern, harness: harness.name, hasModel: true }];
    const displayName = `${pattern} (${harness.displayName})`;
    return [unnamedModel(pattern, displayName, harness.name, harness.models !== undefined)];
  });
}

/** A harness with whichever model it takes by itself. */
function unnamedModel(id: string, displayName: string, harness: HarnessName, hasModel: boolean): ServedModel {
  return { id, displayName, harness, hasModel };
}

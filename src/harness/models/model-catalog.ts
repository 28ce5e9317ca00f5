import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { answeredModel } from './route-model.js';
import { HarnessRegistry } from '../harness.registry.js';
import { findServedModel, type ModelSources, type ServedModel, servedModels } from './served-models.js';

/** The model names that this server offers. Other names may work too; see `routeModel`. */
@Injectable()
export class ModelCatalog {
  constructor(
    private readonly registry: HarnessRegistry,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** All offered models, without duplicates. */
  list(): readonly ServedModel[] {
    return servedModels(this.sources());
  }

  /** The model of this name, or `undefined`. */
  find(id: string): ServedModel | undefined {
    return findServedModel(id, this.sources());
  }

  /** The `model` field of a response to a request for this name; `undefined` if the name has no available harness. */
  answeredModel(requested: string): string | undefined {
    const choice = this.registry.route(requested);
    return choice === undefined ? undefined : answeredModel(requested, choice);
  }

  private sources(): ModelSources {
    return {
      harnesses: this.registry.available.map(({ name }) => {
        const { displayName = name, offersFullNames = false } = this.registry.definition(name) ?? {};
        return { name, displayName, offersFullNames, models: this.registry.find(name)?.models?.() };
      }),
      routes: this.config.modelRoutes ?? [],
      route: (model) => this.registry.route(model),
    };
  }
}

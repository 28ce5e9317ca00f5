import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { answeredModel } from './route-model.js';
import { HarnessRegistry } from '../harness.registry.js';
import { findServedModel, type ModelSources, type ServedModel, servedModels } from './served-models.js';

/** The model names that this server understands and offers. Names that are not in it may work too: see `chooseHarness`. */
@Injectable()
export class ModelCatalog {
  constructor(
    private readonly registry: HarnessRegistry,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /** All of them, each once. */
  list(): readonly ServedModel[] {
    return servedModels(this.sources());
  }

  /** The one of this name, or `undefined`. */
  find(id: string): ServedModel | undefined {
    return findServedModel(id, this.sources());
  }

  /** What an answer to a request for this name says that it is from; `undefined` for a name that nothing here has. */
  answeredModel(requested: string): string | undefined {
    const choice = this.registry.route(requested);
    return choice === undefined ? undefined : answeredModel(requested, choice);
  }

  private sources(): ModelSources {
    return {
      harnesses: this.registry.available.map(({ name }) => ({
        name,
        displayName: this.registry.definition(name)?.displayName ?? name,
        models: this.registry.find(name)?.models?.(),
      })),
      routes: this.config.modelRoutes ?? [],
      choose: (model) => this.registry.route(model),
    };
  }
}

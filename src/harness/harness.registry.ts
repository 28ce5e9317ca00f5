import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { routeModel, type HarnessChoice, type ModelRouting } from './models/route-model.js';
import { type Harness, HARNESSES, type HarnessInfo, type HarnessName } from './harness.js';

/** The harnesses that this server can run, found once at the start, and the rule that picks one for a thread. */
@Injectable()
export class HarnessRegistry {
  #found: readonly HarnessInfo[] = [];
  #choices: ModelRouting | undefined;

  constructor(
    @Inject(HARNESSES) private readonly harnesses: readonly Harness[],
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /**
   * Looks for the programs, all at once. To be called once, before anything is served.
   *
   * @throws ConfigurationError when the configured default harness is not here.
   */
  async probeAll(): Promise<void> {
    const probes = await Promise.all(this.harnesses.map((harness) => harness.probe()));
    const here = probes.filter((info) => info !== undefined);
    this.#found = here.filter(({ name }) => name !== 'demo' || this.offersDemo(here));
    const available = this.harnesses.filter((harness) => this.serves(harness.name));
    const wanted = this.config.defaultHarness;
    const first = available.find((harness) => wanted === 'auto' || harness.name === wanted);
    if (first === undefined) {
      const problem =
        wanted === 'auto'
          ? 'is auto, no agent program was found, and CHIRON_DEMO is off'
          : wanted === 'demo'
            ? 'is demo, and CHIRON_DEMO is off'
            : 'names a harness whose program was not found';
      throw new ConfigurationError(new Map([['CHIRON_DEFAULT_HARNESS', problem]]));
    }
    const bothHere = this.serves('claude-code') && this.serves('codex');
    this.#choices = {
      available,
      defaultHarness: first.name,
      routes: this.config.modelRoutes ?? [],
      routesByKind: this.config.modelRoutes === undefined && wanted === 'auto' && bothHere,
      refusesUnknown: this.config.unknownModels === 'refuse',
    };
  }

  /** Whether turns of this harness are run here. */
  serves(name: HarnessName): boolean {
    return this.#found.some((info) => info.name === name);
  }

  /** Beside other agents the demo agent would be a way around them: a shell without a model, its rules or its costs. */
  private offersDemo(here: readonly HarnessInfo[]): boolean {
    const { demo, defaultHarness } = this.config;
    const isDefault =
      defaultHarness === 'demo' || (defaultHarness === 'auto' && here.every(({ name }) => name === 'demo'));
    return demo === 'on' || (demo === 'auto' && isDefault);
  }

  /** The harnesses that are here, with their versions, preferred ones first. */
  get available(): readonly HarnessInfo[] {
    return this.#found;
  }

  /** The harness of a model that has no route. */
  get defaultHarness(): HarnessName {
    return this.choices.defaultHarness;
  }

  /** The harness and its model for a requested model; `undefined` when that harness is not here. */
  route(model: string): HarnessChoice | undefined {
    return routeModel(model, this.choices);
  }

  /** The harness of this name. Throws for one that is not here. */
  get(name: HarnessName): Harness {
    const harness = this.harnesses.find((candidate) => candidate.name === name);
    if (harness === undefined || !this.serves(name)) throw new Error(`the harness ${name} is not served here`);
    return harness;
  }

  private get choices(): ModelRouting {
    if (this.#choices === undefined) throw new Error('HarnessRegistry.find() has not run');
    return this.#choices;
  }
}

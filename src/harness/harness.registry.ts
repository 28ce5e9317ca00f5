import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/environment.js';
import { BUILT_IN_ROUTES, chooseHarness, type HarnessChoice, type HarnessChoices } from './choose-harness.js';
import { type Harness, HARNESSES, type HarnessInfo, type HarnessName } from './harness.js';

/** The harnesses that this server can run, found once at the start, and the rule that picks one for a thread. */
@Injectable()
export class HarnessRegistry {
  #found: readonly HarnessInfo[] = [];
  #choices: HarnessChoices | undefined;

  constructor(
    @Inject(HARNESSES) private readonly harnesses: readonly Harness[],
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  /**
   * Looks for the programs, all at once. To be called once, before anything is served.
   *
   * @throws ConfigurationError when the configured default harness is not here.
   */
  async find(): Promise<void> {
    const probes = await Promise.all(this.harnesses.map((harness) => harness.probe()));
    this.#found = probes.filter((info) => info !== undefined);
    const available = this.harnesses.filter((harness) => this.#found.some((info) => info.name === harness.name));
    const wanted = this.config.defaultHarness;
    const first = available.find((harness) => wanted === 'auto' || harness.name === wanted);
    if (first === undefined) {
      throw new ConfigurationError(
        new Map([['CHIRON_DEFAULT_HARNESS', 'names a harness whose program was not found']]),
      );
    }
    const bothHere =
      available.some((one) => one.name === 'claude-code') && available.some((one) => one.name === 'codex');
    const routes = this.config.modelRoutes ?? (wanted === 'auto' && bothHere ? BUILT_IN_ROUTES : []);
    const refusesUnknown = this.config.unknownModels === 'refuse';
    this.#choices = { available, defaultHarness: first.name, routes, refusesUnknown };
  }

  /** The harnesses that are here, with their versions, preferred ones first. */
  get found(): readonly HarnessInfo[] {
    return this.#found;
  }

  /** The harness of a model that has no route. */
  get defaultHarness(): HarnessName {
    return this.choices.defaultHarness;
  }

  /** The harness and its model for a requested model; `undefined` when that harness is not here. */
  choose(model: string): HarnessChoice | undefined {
    return chooseHarness(model, this.choices);
  }

  /** Whether the program of this harness was found. */
  has(name: HarnessName): boolean {
    return this.choices.available.some((harness) => harness.name === name);
  }

  /** The harness of this name, whether its program was found or not. */
  get(name: HarnessName): Harness {
    const harness = this.harnesses.find((candidate) => candidate.name === name);
    if (harness === undefined) throw new Error(`the harness ${name} is not registered`);
    return harness;
  }

  private get choices(): HarnessChoices {
    if (this.#choices === undefined) throw new Error('HarnessRegistry.find() has not run');
    return this.#choices;
  }
}

import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { Sandbox, type SandboxFolders } from '../sandbox/sandbox.js';
import { type HarnessDefinition, Harnesses } from './definition.js';
import type { Harness, HarnessInfo, HarnessName } from './harness.js';
import { routeModel, type HarnessChoice, type ModelRouting } from './models/route-model.js';

/** A harness that was found on this machine. */
interface FoundHarness extends HarnessInfo {
  readonly definition: HarnessDefinition;
  readonly harness: Harness;
}

/** The harnesses that this server can run, found once at the start, and the rule that picks one for a thread. */
@Injectable()
export class HarnessRegistry {
  #found: readonly FoundHarness[] = [];
  #choices: ModelRouting | undefined;

  constructor(
    /** Also those that were not found. */
    @Inject(Harnesses) readonly definitions: Harnesses,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {
    assertUnique(definitions.map(({ name }) => name));
    assertUnique(definitions.map(({ sessionType }) => sessionType));
  }

  /**
   * Looks for the programs, all at once. To be called once, before anything is served.
   *
   * @throws ConfigurationError when the configured default harness is not here.
   */
  async probeAll(): Promise<void> {
    const probes = await Promise.all(this.definitions.map((definition) => this.probe(definition)));
    const here = probes.filter((found) => found !== undefined);
    this.#found = here.filter(({ definition }) => definition.isDemo !== true || this.offersDemo(definition, here));
    const wanted = this.config.defaultHarness;
    const first = this.#found.find(({ name }) => wanted === 'auto' || name === wanted);
    if (first === undefined) throw this.noDefaultHarness();
    const hasChoice = this.#found.filter(({ definition }) => definition.isDemo !== true).length > 1;
    this.#choices = {
      names: this.definitions.map(({ name }) => name),
      available: this.#found.map(({ name, harness }) => ({ name, knowsModel: (model) => harness.knowsModel(model) })),
      defaultHarness: first.name,
      routes: this.config.modelRoutes ?? [],
      routesByKind: this.config.modelRoutes === undefined && wanted === 'auto' && hasChoice,
      refusesUnknown: this.config.unknownModels === 'refuse',
    };
  }

  /** Whether turns of this harness are run here. */
  serves(name: HarnessName): boolean {
    return this.find(name) !== undefined;
  }

  /** The harnesses that are here, with their versions, preferred ones first. */
  get available(): readonly HarnessInfo[] {
    return this.#found.map(({ name, version }) => ({ name, version }));
  }

  /** The harness of a model that has no route. */
  get defaultHarness(): HarnessName {
    return this.choices.defaultHarness;
  }

  /** The harness and its model for a requested model; `undefined` when that harness is not here. */
  route(model: string): HarnessChoice | undefined {
    return routeModel(model, this.choices);
  }

  /** The harness of this name; `undefined` for one that is not here, such as that of a thread which another version stored. */
  find(name: HarnessName): Harness | undefined {
    return this.#found.find((found) => found.name === name)?.harness;
  }

  /** What the harness of this name is, here or not. */
  definition(name: HarnessName): HarnessDefinition | undefined {
    return this.definitions.find((definition) => definition.name === name);
  }

  /** The folders that every thread's home has, as any thread may be given another harness. */
  get homeFolders(): readonly string[] {
    return this.definitions.flatMap(({ home = {} }) => Object.values(home));
  }

  /** The variables that point to these folders in a thread's home. */
  homeVariables({ home }: SandboxFolders): Readonly<Record<string, string>> {
    const folders = this.definitions.flatMap((definition) => Object.entries(definition.home ?? {}));
    return Object.fromEntries(folders.map(([variable, folder]) => [variable, join(home, folder)]));
  }

  private async probe(definition: HarnessDefinition): Promise<FoundHarness | undefined> {
    const { name } = definition;
    const harness = definition.create({ sandbox: this.sandbox, command: this.config.programs[name] ?? '' });
    const version = await harness.probe();
    return version === undefined ? undefined : { name, version, definition, harness };
  }

  /** Beside other agents the demo agent would be a way around them: a shell without a model, its rules or its costs. */
  private offersDemo({ name }: HarnessDefinition, here: readonly FoundHarness[]): boolean {
    const { demo, defaultHarness } = this.config;
    const isAlone = here.every(({ definition }) => definition.isDemo === true);
    return demo === 'on' || (demo === 'auto' && (defaultHarness === name || (defaultHarness === 'auto' && isAlone)));
  }

  private noDefaultHarness(): ConfigurationError {
    const wanted = this.config.defaultHarness;
    const problem =
      wanted === 'auto'
        ? 'is auto, no agent program was found, and CHIRON_DEMO is off'
        : this.definition(wanted)?.isDemo === true
          ? `is ${wanted}, and CHIRON_DEMO is off`
          : 'names a harness whose program was not found';
    return new ConfigurationError(new Map([['CHIRON_DEFAULT_HARNESS', problem]]));
  }

  private get choices(): ModelRouting {
    if (this.#choices === undefined) throw new Error('HarnessRegistry.probeAll() has not run');
    return this.#choices;
  }
}

function assertUnique(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two harnesses are called ${twice}`);
}

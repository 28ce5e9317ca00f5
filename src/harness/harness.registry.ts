import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { Sandbox, type SandboxFolders } from '../sandbox/sandbox.js';
import { findProgram } from '../sandbox/process/find-program.js';
import { findAgentProgram } from './agent-program.js';
import { type HarnessDefinition, Harnesses } from './definition.js';
import type { Harness, HarnessInfo, HarnessName } from './harness.js';
import { routeModel, type HarnessChoice, type ModelRouting } from './models/route-model.js';

/** A harness whose program is installed on this machine. */
interface AvailableHarness extends HarnessInfo {
  readonly definition: HarnessDefinition;
  readonly harness: Harness;
}

/** The harnesses that this server can run, probed once at startup, and the rule that picks one for a thread. */
@Injectable()
export class HarnessRegistry {
  /** The folders of all harnesses; every thread's home gets them, so that it works with any harness. */
  readonly homeFolders: readonly string[];
  #available: readonly AvailableHarness[] = [];
  #routing: ModelRouting | undefined;

  constructor(
    /** Includes harnesses that are not available. */
    @Inject(Harnesses) readonly definitions: Harnesses,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {
    assertUnique(definitions.map(({ name }) => name));
    assertUnique(definitions.map(({ sessionType }) => sessionType));
    this.homeFolders = definitions.flatMap(({ home = {} }) => Object.values(home));
  }

  /**
   * Probes all programs in parallel. Call it once, before the server accepts requests.
   *
   * @throws ConfigurationError if the configured default harness is not available.
   */
  async probeAll(): Promise<void> {
    const probes = await Promise.all(this.definitions.map((definition) => this.probe(definition)));
    const installed = probes.filter((probe) => probe !== undefined);
    this.#available = installed.filter(
      ({ definition }) => definition.isDemo !== true || this.offersDemo(definition, installed),
    );
    const configured = this.config.defaultHarness;
    const first = this.#available.find(({ name }) => configured === 'auto' || name === configured);
    if (first === undefined) throw this.noDefaultHarness();
    const hasChoice = this.#available.filter(({ definition }) => definition.isDemo !== true).length > 1;
    this.#routing = {
      names: this.definitions.map(({ name }) => name),
      available: this.#available.map(({ name, harness }) => ({
        name,
        knowsModel: (model) => harness.knowsModel(model),
      })),
      defaultHarness: first.name,
      routes: this.config.modelRoutes ?? [],
      routesByKind: this.config.modelRoutes === undefined && configured === 'auto' && hasChoice,
      refusesUnknown: this.config.unknownModels === 'refuse',
    };
  }

  /** Whether this server can run turns of this harness. */
  serves(name: HarnessName): boolean {
    return this.find(name) !== undefined;
  }

  /** The available harnesses with their versions, in order of preference. */
  get available(): readonly HarnessInfo[] {
    return this.#available.map(({ name, version }) => ({ name, version }));
  }

  /** The harness for models without a route. */
  get defaultHarness(): HarnessName {
    return this.routing.defaultHarness;
  }

  /** Picks the harness and its model for a requested model; `undefined` if that harness is not available. */
  route(model: string): HarnessChoice | undefined {
    return routeModel(model, this.routing);
  }

  /**
   * The same for a thread with `tools: 'none'`: where agents cannot go without tools, the first other harness whose agents can, with a model of its own. The demo
   * agent, which is none, is no such harness. Without one, it is the harness of the model.
   */
  routeWithoutTools(model: string): HarnessChoice | undefined {
    const choice = this.route(model);
    if (choice === undefined || this.find(choice.harness)?.needsTools !== true) return choice;
    const other = this.#available.find(
      ({ definition, harness }) => definition.isDemo !== true && harness.needsTools !== true,
    );
    if (other === undefined) return choice;
    return { harness: other.name, model: other.harness.knowsModel(model) ? model : undefined };
  }

  /** The harness of this name; `undefined` if it is not available, such as the harness of a thread that another version stored. */
  find(name: HarnessName): Harness | undefined {
    return this.#available.find((harness) => harness.name === name)?.harness;
  }

  /** The definition of the harness of this name, available or not. */
  definition(name: HarnessName): HarnessDefinition | undefined {
    return this.definitions.find((definition) => definition.name === name);
  }

  /** The program of the harness of this name, as it is started; `undefined` if it has none. */
  programOf(name: HarnessName): string | undefined {
    const command = findAgentProgram(this.config.programs[name] ?? '', this.config.agentsDirectory);
    return command === '' ? undefined : findProgram(command, process.env['PATH']);
  }

  /** The variables that point to these folders in a thread's home. */
  homeVariables({ home }: SandboxFolders): Readonly<Record<string, string>> {
    const folders = this.definitions.flatMap((definition) => Object.entries(definition.home ?? {}));
    return Object.fromEntries(folders.map(([variable, folder]) => [variable, join(home, folder)]));
  }

  private async probe(definition: HarnessDefinition): Promise<AvailableHarness | undefined> {
    const { name } = definition;
    const command = findAgentProgram(this.config.programs[name] ?? '', this.config.agentsDirectory);
    const harness = definition.create({ sandbox: this.sandbox, command });
    const version = await harness.probe();
    return version === undefined ? undefined : { name, version, definition, harness };
  }

  /** Next to other agents, the demo agent would bypass them: it is a shell without a model and its rules. So it has to be enabled. */
  private offersDemo({ name }: HarnessDefinition, installed: readonly AvailableHarness[]): boolean {
    const { demo, defaultHarness } = this.config;
    const isAlone = installed.every(({ definition }) => definition.isDemo === true);
    return demo === 'on' || (demo === 'auto' && (defaultHarness === name || (defaultHarness === 'auto' && isAlone)));
  }

  private noDefaultHarness(): ConfigurationError {
    const configured = this.config.defaultHarness;
    const problem =
      configured === 'auto'
        ? 'is auto, but no agent program was found and CHIRON_DEMO is off'
        : this.definition(configured)?.isDemo === true
          ? `is ${configured}, but CHIRON_DEMO is off`
          : `is ${configured}, but its program was not found`;
    return new ConfigurationError(new Map([['CHIRON_DEFAULT_HARNESS', problem]]));
  }

  private get routing(): ModelRouting {
    if (this.#routing === undefined) throw new Error('HarnessRegistry.probeAll() has not run');
    return this.#routing;
  }
}

function assertUnique(names: readonly string[]): void {
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate !== undefined) throw new Error(`duplicate harness name or session type: ${duplicate}`);
}

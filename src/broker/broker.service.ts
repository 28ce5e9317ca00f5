import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { BrokerProcess } from './broker-process.js';
import type { ModelTokens } from './protocol.js';
import { ModelProviders } from './model-provider.js';

/** How the programs of a thread reach the broker. */
export interface BrokerAccess {
  /** As the thread's programs reach it, without a slash at its end. */
  readonly url: string;
  /** Stands for the thread where the broker is not reached by a socket of its own; else it means nothing. */
  readonly token: string;
}

/** The token of a thread that has a socket of its own. */
const PLACEHOLDER = 'chiron-broker';

/**
 * The broker between agents and everything outside: it holds the credentials for model providers and the way to the network. Off where agents are not
 * isolated, unless the deployment turns it on.
 */
@Injectable()
export class Broker implements OnApplicationShutdown {
  readonly #logger = new Logger(Broker.name);
  readonly #process: BrokerProcess;
  readonly #isModelBroker: boolean;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(ModelProviders) private readonly providers: ModelProviders,
  ) {
    this.#isModelBroker = config.modelBroker === 'on' || (config.modelBroker === 'auto' && sandbox.isolates);
    const upstreams = this.#isModelBroker
      ? providers.flatMap((provider) => provider.toUpstream(config.passedVariables) ?? [])
      : [];
    const { allowedModels, turnTokenLimit, sandboxNetwork: network, sandboxAllowedHosts: allowedHosts } = config;
    this.#process = new BrokerProcess(
      { upstreams, policy: { network, allowedHosts }, allowedModels, turnTokenLimit },
      {
        onRefused: (threadId, what) => this.#logger.warn({ threadId, what }, 'refused a request of an agent'),
        onRestart: (reason) => this.#logger.error(`the broker ${reason} and is started again`),
      },
    );
  }

  /** Whether agents reach anything through it. */
  get isOn(): boolean {
    return this.#isModelBroker || this.sandbox.isolates;
  }

  /** Whether agents reach their models through it. */
  get isModelBroker(): boolean {
    return this.#isModelBroker;
  }

  /**
   * Opens the broker for a thread, before its first program starts, and says which variables its programs get instead of the deployment's.
   *
   * @throws if the broker cannot listen
   */
  async open(threadId: string): Promise<Readonly<Record<string, string>>> {
    const { passedVariables } = this.config;
    if (!this.isOn) return passedVariables;
    const access = await this.#listen(threadId);
    const masked = this.#isModelBroker
      ? this.providers.reduce((variables, provider) => provider.mask(variables, access), passedVariables)
      : passedVariables;
    return { ...masked, ...this.#proxyVariables(access) };
  }

  /** Ends the thread's connections. */
  async close(threadId: string): Promise<void> {
    if (!this.isOn) return;
    this.#process.close(threadId);
    await this.sandbox.closeSocket(threadId);
  }

  /** A turn begins on an open thread. */
  beginTurn(threadId: string, turnId: string): void {
    this.#process.beginTurn(threadId, turnId);
  }

  /** The tokens of a turn that is over, by model; `undefined` if the broker has not seen all of it. */
  countTokens(turnId: string): Promise<readonly ModelTokens[] | undefined> {
    return this.#isModelBroker ? this.#process.count(turnId) : Promise.resolve(undefined);
  }

  onApplicationShutdown(): Promise<void> {
    return this.#process.stop();
  }

  async #listen(threadId: string): Promise<BrokerAccess> {
    const socket = await this.sandbox.openSocket(threadId);
    if (socket !== undefined) {
      const { path, owner, url } = socket;
      await this.#process.open(threadId, { kind: 'socket', path, owner });
      return { url, token: PLACEHOLDER };
    }
    const token = randomBytes(24).toString('hex');
    const port = await this.#process.open(threadId, { kind: 'loopback', token });
    return { url: `http://127.0.0.1:${String(port)}`, token };
  }

  /** Programs that know of no proxy have no network at all in a sandbox that isolates it. */
  #proxyVariables({ url }: BrokerAccess): Readonly<Record<string, string>> {
    if (!this.sandbox.isolates || this.config.sandboxNetwork === 'none') return {};
    const proxies = ['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
    const own = '127.0.0.1,localhost,::1';
    return { ...Object.fromEntries(proxies.map((name) => [name, url])), no_proxy: own, NO_PROXY: own };
  }
}

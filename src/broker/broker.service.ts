import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { AppConfig, listHarnessVariables } from '../config/app-config.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { BrokerProcess } from './broker-process.js';
import type { EgressSettings } from './process/egress/egress.js';
import { toCaVariables } from './process/egress/tls/ca-variables.js';
import type { BegunTurn, ModelTokens, Upstream } from './protocol.js';
import { toBundleFile } from './ca-bundle.js';
import { AgentEndpoints } from './endpoints/agent-endpoints.js';
import { type McpMessageServer, toMcpHandler } from './endpoints/mcp-handler.js';
import { type ModelProvider, ModelProviders } from './model-provider.js';
import { findUpstreams, usesBroker } from './provider-facts.js';
import { type AgentNetwork, findProxies, findProxyWarnings, withProxies } from './proxy-variables.js';

/** How the programs of a thread reach the broker. */
export interface BrokerAccess {
  /** As the thread's programs reach it, without a slash at its end. */
  readonly url: string;
  /** The same for programs that use it as their proxy. */
  readonly proxyUrl: string;
  /** Stands for the thread where the broker is not reached by a socket of its own; else it means nothing. */
  readonly token: string;
}

/** An endpoint of the server, as the programs of its thread reach it. */
export interface AgentEndpoint {
  readonly url: string;
  /** Headers of every request to it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends it. Idempotent. */
  close(): void;
}

/** What the programs of a thread get. */
export interface BrokeredEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Where the thread's harness reaches its model provider; `undefined` if that is not by the broker. */
  readonly modelUrl: string | undefined;
  /** Lets them reach an MCP server of this process. Rejects if it cannot listen. */
  readonly serveMcp: (server: McpMessageServer) => Promise<AgentEndpoint>;
}

/** The token of a thread that has a socket of its own. */
const PLACEHOLDER = 'chiron-broker';

/**
 * The broker between agents and everything outside: it holds the credentials for model providers and the way to the network. Off where agents are not
 * isolated, unless the deployment turns it on.
 */
@Injectable()
export class Broker implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(Broker.name);
  readonly #isModelBroker: boolean;
  #upstreams: ReadonlyMap<ModelProvider, Upstream> = new Map();
  #process: BrokerProcess | undefined;
  readonly #refusals$ = new Subject<void>();
  readonly #endpoints = new AgentEndpoints();

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(ModelProviders) private readonly providers: ModelProviders,
  ) {
    this.#isModelBroker = usesBroker(config, sandbox);
  }

  /** Reads the deployment's credentials. */
  async onModuleInit(): Promise<void> {
    const { config, sandbox } = this;
    if (this.#isModelBroker) {
      this.#upstreams = await findUpstreams(this.providers, config, sandbox);
    }
    const proxies = findProxies(config.passedVariables);
    if (this.isOn) for (const warning of findProxyWarnings(proxies)) this.#logger.warn(warning);
    const { allowedModels, turnTokenLimit } = config;
    const spareLogins = join(config.dataDirectory, 'logins');
    const egress = await this.#loadEgress();
    const upstreams = [...this.#upstreams.values()];
    this.#process = new BrokerProcess(
      { upstreams, spareLogins, proxies, egress, allowedModels, turnTokenLimit },
      {
        onRefused: (threadId, what) => {
          this.#logger.warn({ threadId, what }, 'refused a request of an agent');
          this.#refusals$.next();
        },
        onNotice: (what) => this.#logger.warn(what),
        onRestart: (reason) => this.#logger.error(`the broker ${reason} and is started again`),
      },
    );
  }

  /** Emits with each refusal that is logged: of a host at most once a minute and thread. Never completes; unsubscribing has no effect on agents. */
  get refusals$(): Observable<void> {
    return this.#refusals$;
  }

  /** Whether agents reach anything through it. */
  get isOn(): boolean {
    return this.#isModelBroker || this.sandbox.isolates;
  }

  /** Whether it holds the credentials for a model provider. Known once the application has started. */
  serves(provider: ModelProvider): boolean {
    return this.#upstreams.has(provider);
  }

  /**
   * Opens the broker for a thread, before its first program starts, and says what its programs get instead of the deployment's variables.
   *
   * @param harness the thread's
   * @param provider that of this harness
   * @throws if the broker cannot listen
   */
  async open(threadId: string, harness: string, provider?: ModelProvider): Promise<BrokeredEnvironment> {
    const own = listHarnessVariables(this.config, harness);
    if (!this.isOn) {
      const serveMcp = (server: McpMessageServer) => this.#serveMcp(threadId, server, undefined);
      return { variables: own, modelUrl: undefined, serveMcp };
    }
    await this.#removeCredentials(threadId);
    const access = await this.#listen(threadId);
    const masked = [...this.#upstreams].reduce(
      (variables, [each, upstream]) => each.mask(variables, access, upstream),
      own,
    );
    const upstream = provider === undefined ? undefined : this.#upstreams.get(provider);
    const addressed = { ...masked, ...(upstream === undefined ? {} : provider?.address?.(access, upstream)) };
    return {
      variables: { ...withProxies(addressed, this.#toNetwork(access)), ...this.#caVariables() },
      modelUrl: upstream === undefined ? undefined : `${access.url}/${upstream.prefix}`,
      serveMcp: (server) => this.#serveMcp(threadId, server, access),
    };
  }

  /** Ends the thread's connections. */
  async close(threadId: string): Promise<void> {
    if (!this.isOn) return;
    this.#process?.close(threadId);
    await this.sandbox.closeSocket(threadId);
  }

  /** A turn begins on an open thread. What it may do holds also for programs that earlier turns have left running. */
  beginTurn(threadId: string, turn: BegunTurn): void {
    this.#process?.beginTurn(threadId, turn);
  }

  /**
   * The tokens of a turn that is over, by model; `undefined` if the broker has not seen all of it.
   *
   * @param provider that of the thread's harness
   */
  async countTokens(turnId: string, provider: ModelProvider | undefined): Promise<readonly ModelTokens[] | undefined> {
    if (provider === undefined || !this.#upstreams.has(provider)) return undefined;
    return this.#process?.count(turnId);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#process?.stop();
    await this.#endpoints.close();
  }

  async #serveMcp(
    threadId: string,
    server: McpMessageServer,
    access: BrokerAccess | undefined,
  ): Promise<AgentEndpoint> {
    const port = await this.#endpoints.listen();
    if (access !== undefined) this.#process?.relayTo(port);
    const path = this.#endpoints.add(threadId, toMcpHandler(server));
    return {
      url: `${access?.url ?? `http://127.0.0.1:${port}`}${path}`,
      headers: access === undefined ? {} : { authorization: `Bearer ${access.token}` },
      close: () => this.#endpoints.remove(path),
    };
  }

  /** What agents may reach, with the certificate authority by which they trust the broker for the hosts that have a credential. */
  async #loadEgress(): Promise<EgressSettings> {
    const { sandboxNetwork: network, sandboxAllowedHosts: allowedHosts, dataDirectory } = this.config;
    const credentials = this.sandbox.isolates ? this.config.toolCredentials : [];
    if (credentials.length === 0) return { network, allowedHosts, credentials };
    // Only here: making certificates is more than most deployments need.
    const { loadAuthority, writeCaBundle } = await import('./process/egress/tls/authority-files.js');
    const ca = await loadAuthority(join(dataDirectory, 'authority'));
    await writeCaBundle(toBundleFile(dataDirectory), ca);
    return { network, allowedHosts, credentials, ca };
  }

  /** Takes the copies of the deployment's logins out of a thread, also out of one from before the broker had them. */
  async #removeCredentials(threadId: string): Promise<void> {
    const files = this.sandbox.files(threadId);
    for (const { credentialFiles } of this.#upstreams.keys()) {
      for (const path of credentialFiles) await files.remove(path);
    }
  }

  async #listen(threadId: string): Promise<BrokerAccess> {
    const socket = await this.sandbox.openSocket(threadId);
    if (socket !== undefined) {
      const { path, owner, url } = socket;
      await this.#process?.open(threadId, { kind: 'socket', path, owner });
      return { url, proxyUrl: url, token: PLACEHOLDER };
    }
    const token = randomBytes(24).toString('hex');
    const port = await this.#process?.open(threadId, { kind: 'loopback', token });
    if (port === undefined) throw new Error('the broker has no port');
    this.sandbox.allowPort(port);
    return { url: `http://127.0.0.1:${port}`, proxyUrl: `http://chiron:${token}@127.0.0.1:${port}`, token };
  }

  /** Programs that know of no proxy have no network at all in a sandbox that isolates it. */
  #toNetwork({ proxyUrl }: BrokerAccess): AgentNetwork {
    const { isolates: isIsolated } = this.sandbox;
    return { isIsolated, proxyUrl: isIsolated && this.config.sandboxNetwork !== 'none' ? proxyUrl : undefined };
  }

  /** By which programs trust the broker for the hosts that have a credential. */
  #caVariables(): Readonly<Record<string, string>> {
    const { sandboxNetwork, toolCredentials, dataDirectory } = this.config;
    const isIntercepting = this.sandbox.isolates && sandboxNetwork !== 'none' && toolCredentials.length > 0;
    return isIntercepting ? toCaVariables(toBundleFile(dataDirectory)) : {};
  }
}

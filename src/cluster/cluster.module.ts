import { hostname } from 'node:os';
import { type FactoryProvider, Global, Module } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { Database } from '../storage/database/database.js';
import { NodeStore } from '../storage/stores/node.store.js';
import { ThreadStore } from '../storage/stores/thread.store.js';
import { ClusterNode } from './cluster-node.js';
import { Jobs } from './jobs.js';
import { readNodeId } from './node-id.js';
import { PeerClient } from './peer-client.js';
import { PeerServer } from './peer-server.js';
import { readPeerTls } from './peer-tls.js';
import { PostgresJobs } from './postgres-jobs.js';
import { ThisNode } from './this-node.js';
import { TimerJobs } from './timer-jobs.js';

/** Injection token of this server among the others: a {@link ClusterNode}, or `undefined` for a lone server, on SQLite. */
export const Cluster = Symbol('Cluster');
/** This server among the others, if there can be others. */
export type Cluster = ClusterNode | undefined;

const thisNode: FactoryProvider<ThisNode> = {
  provide: ThisNode,
  inject: [AppConfig, Database],
  useFactory: async ({ dataDirectory }: AppConfig, { kind }: Database) =>
    kind === 'postgres' ? new ThisNode(await readNodeId(dataDirectory)) : new ThisNode(),
};

const jobs: FactoryProvider<Jobs> = {
  provide: Jobs,
  inject: [AppConfig, Database],
  useFactory: (config: AppConfig, database: Database) =>
    database.kind === 'postgres' ? PostgresJobs.open(config, database) : new TimerJobs(),
};

const cluster: FactoryProvider<Cluster> = {
  provide: Cluster,
  inject: [AppConfig, Database, NodeStore, ThreadStore, ThisNode, Jobs],
  useFactory: async (
    config: AppConfig,
    database: Database,
    store: NodeStore,
    threads: ThreadStore,
    self: ThisNode,
    work: Jobs,
  ) => {
    if (database.kind !== 'postgres') return undefined;
    const secrets = config.clusterSecrets.length > 0 ? config.clusterSecrets : [await store.sharedSecret('peers')];
    const tls = readPeerTls(config);
    const { clusterHost: host, clusterPort: port, clusterUrl: url, nodeTimeoutMs: timeoutMs, role } = config;
    const server = new PeerServer({ host, port, url, secrets, tls });
    const client = new PeerClient(secrets[0] ?? '', tls);
    const name = config.nodeName ?? hostname();
    return new ClusterNode(
      self,
      { name, role, timeoutMs },
      database,
      store,
      threads,
      work,
      server,
      client,
      await server.listen(),
    );
  },
};

/** This server among those that share its store: who it is, who the others are, and their common jobs. */
@Global()
@Module({ providers: [thisNode, jobs, cluster], exports: [ThisNode, Jobs, Cluster] })
export class ClusterModule {}

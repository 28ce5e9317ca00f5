import type { ClusterNode } from '../../cluster/cluster-node.js';
import { PeerUnreachableError } from '../../cluster/peer-client.js';
import type { PeerServer, PeerTransferAnswer } from '../../cluster/peer-server.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asNumber, asObjects, asString } from '../../domain/json.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import { ServiceError } from '../../domain/service-error.js';
import type { Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { ThreadHost } from '../hosting/thread-host.js';
import type { LocalWorkspaceFiles } from './local-workspace-files.js';
import {
  type WorkspaceDownload,
  type WorkspaceEntry,
  WorkspaceFiles,
  type WorkspaceListing,
} from './workspace-files.js';

const LIST = 'list-workspace';
const TRANSFERS = { read: 'read-workspace', write: 'write-workspace' } as const;

/** The other server may have to fetch the files of the thread first. */
const LIST_TIMEOUT_MS = 120_000;

/** What the workspaces of several servers need. */
export interface ClusterWorkspaceServices {
  readonly cluster: ClusterNode;
  readonly local: LocalWorkspaceFiles;
  readonly host: ThreadHost;
}

/** Reaches the workspace of a thread on the server that has it: this one, or another one of the same store. */
export class ClusterWorkspaceFiles extends WorkspaceFiles {
  constructor(private readonly services: ClusterWorkspaceServices) {
    super();
  }

  override async list(thread: Thread, listing: WorkspaceListing): Promise<readonly WorkspaceEntry[]> {
    const { placed, url } = await this.#place(thread);
    if (url === undefined) return this.services.local.list(placed, listing);
    const params = { threadId: thread.id, ...listing, after: listing.after ?? null };
    const asked = this.services.cluster.client.call(url, LIST, params, { timeoutMs: LIST_TIMEOUT_MS });
    return asObjects(await asked.catch(rethrow)).map(toEntry);
  }

  override async read(thread: Thread, path: string, withBytes: boolean): Promise<WorkspaceDownload> {
    const { placed, url } = await this.#place(thread);
    if (url === undefined) return this.services.local.read(placed, path, withBytes);
    const { head, body } = await this.#transfer(url, TRANSFERS.read, { threadId: thread.id, path, withBytes });
    const type = head['type'] === 'folder' ? 'folder' : 'file';
    const found = { type, size: asNumber(head['size']), modifiedMs: asNumber(head['modifiedMs']) ?? 0 } as const;
    if (withBytes) return { ...found, body };
    await drain(body);
    return found;
  }

  override async write(
    thread: Thread,
    path: string,
    body: AsyncIterable<Uint8Array>,
    policies: AppliedPolicies,
  ): Promise<WorkspaceEntry> {
    const { placed, url } = await this.#place(thread);
    if (url === undefined) return this.services.local.write(placed, path, body, policies);
    const answer = await this.#transfer(url, TRANSFERS.write, { threadId: thread.id, path, policies }, body);
    await drain(answer.body);
    return toEntry(answer.head);
  }

  /** Resolves to the URL of the server that has the thread; without one if it is this one. A thread without a server gets one. */
  async #place(thread: Thread): Promise<{ readonly placed: Thread; readonly url: string | undefined }> {
    const { cluster, host } = this.services;
    const { thread: placed } = await host.place(thread);
    if (placed.node === cluster.self.id) return { placed, url: undefined };
    const node = cluster.findLiving(placed.node);
    if (node === undefined) throw unreachable();
    return { placed, url: node.url };
  }

  #transfer(url: string, name: string, params: object, body?: AsyncIterable<Uint8Array>) {
    return this.services.cluster.client.transfer(url, name, params, body).catch(rethrow);
  }
}

function rethrow(error: unknown): never {
  throw error instanceof PeerUnreachableError ? unreachable(error) : error;
}

/** An answer that is not read, even an empty one, holds its connection. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const bytes of body) if (bytes.length > 0) throw new Error('unreachable: an answer with bytes');
}

/** Answers what other servers ask about the workspaces that this one has. */
export function answerWorkspacePeers(server: PeerServer, local: LocalWorkspaceFiles, threads: ThreadStore): void {
  const threadOf = async ({ threadId }: JsonObject): Promise<Thread> => {
    const thread = await threads.byId(asString(threadId) ?? '');
    if (thread === undefined) throw new ServiceError('not_found', 'there is no such thread');
    return thread;
  };
  server.handle(LIST, async (params) => {
    const entries = await local.list(await threadOf(params), {
      path: asString(params['path']) ?? '',
      limit: asNumber(params['limit']) ?? 0,
      after: asString(params['after']),
      isRecursive: params['isRecursive'] === true,
    });
    return entries.map(toJson);
  });
  server.transfer(TRANSFERS.read, async (params): Promise<PeerTransferAnswer> => {
    const { type, size, modifiedMs, body } = await local.read(
      await threadOf(params),
      asString(params['path']) ?? '',
      params['withBytes'] !== false,
    );
    return { head: { type, size: size ?? null, modifiedMs }, ...(body === undefined ? {} : { body }) };
  });
  server.transfer(TRANSFERS.write, async (params, body): Promise<PeerTransferAnswer> => {
    // Only servers of this deployment write it.
    const policies = params['policies'] as unknown as AppliedPolicies;
    return { head: toJson(await local.write(await threadOf(params), asString(params['path']) ?? '', body, policies)) };
  });
}

function toJson(entry: WorkspaceEntry): JsonObject {
  return { ...entry };
}

function toEntry({ path, type, size, modifiedMs }: JsonObject): WorkspaceEntry {
  return {
    path: asString(path) ?? '',
    type: type === 'folder' || type === 'link' ? type : 'file',
    size: asNumber(size) ?? 0,
    modifiedMs: asNumber(modifiedMs) ?? 0,
  };
}

function unreachable(cause?: Error): ServiceError {
  const error = new ServiceError('unavailable', 'The server that has this thread cannot be reached.', {
    retryAfterSeconds: 5,
  });
  error.cause = cause;
  return error;
}

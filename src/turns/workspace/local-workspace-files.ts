import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { readStoredRules, toStoredRules } from '../../domain/policy/agent-rules.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import { quoteForCaller, ServiceError } from '../../domain/service-error.js';
import { fileTooLarge } from '../../filestore/uploaded-files.js';
import { HarnessGateway, type WorkspaceAccess } from '../../harness/harness.gateway.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { packFolder } from './pack-folder.js';
import {
  type WorkspaceDownload,
  type WorkspaceEntry,
  WorkspaceFiles,
  type WorkspaceListing,
} from './workspace-files.js';

/** The workspaces of the threads that this server has. */
@Injectable()
export class LocalWorkspaceFiles extends WorkspaceFiles {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly gateway: HarnessGateway,
    private readonly turns: TurnStore,
    private readonly disk: DiskWatch,
  ) {
    super();
  }

  override async list(thread: Thread, listing: WorkspaceListing): Promise<readonly WorkspaceEntry[]> {
    const { path, limit, after, isRecursive } = listing;
    const files = await this.gateway.openWorkspace(thread.id);
    const found = await files.listPage(toThreadPath(path), {
      limit: limit + 1,
      after: after?.split('/'),
      isRecursive,
    });
    const prefix = path === '' ? '' : `${path}/`;
    return found.map(({ path: below, kind, size, modifiedMs }) => ({
      path: `${prefix}${below}`,
      type: kind,
      size,
      modifiedMs,
    }));
  }

  override async read(thread: Thread, path: string, withBytes: boolean): Promise<WorkspaceDownload> {
    const files = await this.gateway.openWorkspace(thread.id);
    const entry = await files.lookAt(toThreadPath(path));
    if (entry === undefined || entry.kind === 'link') throw entryNotFound(path);
    const { kind, modifiedMs } = entry;
    const size = kind === 'file' ? entry.size : undefined;
    if (!withBytes) return { type: kind, size, modifiedMs };
    if (size !== undefined) return { type: kind, size, modifiedMs, body: files.bytes(toThreadPath(path), size) };
    return { type: kind, size, modifiedMs, body: await packFolder(files, toThreadPath(path)) };
  }

  override async write(
    thread: Thread,
    path: string,
    body: AsyncIterable<Uint8Array>,
    policies: AppliedPolicies,
  ): Promise<WorkspaceEntry> {
    if (this.disk.isLow) throw new ServiceError('overloaded', 'The disk is almost full.');
    const { workspaceTemplate } = readStoredRules(toStoredRules(policies));
    const files = await this.gateway.prepareWorkspace(thread.id, workspaceTemplate);
    await assertFree(files, path);
    await files.write(toThreadPath(path), limited(body, await this.#room(thread.id)));
    const written = await files.lookAt(toThreadPath(path));
    if (written === undefined) throw entryNotFound(path);
    const turn = await this.turns.lastEnded(thread.id);
    this.gateway.noteWritten(thread.id, { generation: thread.generation, turn });
    return { path, type: 'file', size: written.size, modifiedMs: written.modifiedMs };
  }

  /** How many bytes a file may have. */
  async #room(threadId: string): Promise<number> {
    const { fileLimitBytes, threadDiskBytes } = this.config;
    if (threadDiskBytes === 0) return fileLimitBytes;
    return Math.min(fileLimitBytes, Math.max(0, threadDiskBytes - (await this.gateway.diskBytes(threadId))));
  }
}

/** Makes the error for a path of a workspace at which there is nothing to be read. */
function entryNotFound(path: string): ServiceError {
  return new ServiceError('not_found', `no file or folder in the workspace: ${quoteForCaller(path)}`);
}

/** What is in the way is not moved or replaced: the agent works with it. */
async function assertFree(files: WorkspaceAccess, path: string): Promise<void> {
  const names = path.split('/');
  for (let depth = 1; depth <= names.length; depth += 1) {
    const above = names.slice(0, depth).join('/');
    const entry = await files.stat(toThreadPath(above));
    if (entry === undefined) return;
    const isLast = depth === names.length;
    if (entry.kind !== (isLast ? 'file' : 'folder'))
      throw new ServiceError('conflict', `${quoteForCaller(above)} is ${isLast ? 'no file' : 'no folder'}`, {
        isRetryable: false,
      });
  }
}

function toThreadPath(path: string): string {
  return path === '' ? 'workspace' : `workspace/${path}`;
}

async function* limited(body: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of body) {
    size += bytes.length;
    if (size > limit) throw fileTooLarge(limit);
    yield bytes;
  }
}

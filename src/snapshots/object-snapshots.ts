import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { TreeWriter } from '../sandbox/tree/tree-writer.js';
import { FileCollector } from './file-collector.js';
import type { LastSaved, LocalNotes } from './local-notes.js';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.js';
import { ObjectMissingError, type ObjectStore } from './objects/object-store.js';
import { toObjectKeys } from './objects/object-keys.js';
import { pruneObjects } from './objects/prune-objects.js';
import { PackUpload } from './pack-upload.js';
import { restoreFiles } from './restore-files.js';
import { type FileScan, scanFiles, type SnapshotContents } from './scan-files.js';
import {
  type RestoredSnapshot,
  type SavedSnapshot,
  SnapshotError,
  type SnapshotName,
  type SnapshotVersion,
  type ThreadSnapshots,
} from './thread-snapshots.js';

/**
 * Keeps snapshots as objects: for each a manifest, which is stored last, and the pieces of files in packs, which later snapshots of the thread go on to use.
 */
export class ObjectSnapshots implements ThreadSnapshots {
  private readonly logger = new Logger(ObjectSnapshots.name);

  /** @param templateFiles files that snapshots leave out and that a restored thread gets from the templates again */
  constructor(
    private readonly store: ObjectStore,
    private readonly sandbox: Pick<Sandbox, 'files' | 'replace' | 'templateText'>,
    private readonly notes: LocalNotes,
    private readonly contents: SnapshotContents,
    private readonly templateFiles: readonly string[],
  ) {}

  check(): Promise<void> {
    return this.store.check();
  }

  name({ generation, turn }: SnapshotVersion): SnapshotName {
    return `${generation}-${turn}-${randomUUID()}`;
  }

  async save(
    threadId: string,
    name: SnapshotName,
    version: SnapshotVersion,
    previous: SnapshotName | undefined,
  ): Promise<SavedSnapshot> {
    const files = this.sandbox.files(threadId);
    const scan = await scanFiles(files, this.contents);
    this.#report(threadId, scan);
    const before = previous === undefined ? undefined : await this.#findSaved(threadId, previous);
    const keys = toObjectKeys(threadId);
    const upload = new PackUpload((body) => this.store.put(keys.pack(name), body));
    const reader = files.reader();
    let saved: LastSaved;
    try {
      saved = await new FileCollector(reader, upload, before, name).collect(scan, version);
      await upload.end();
    } catch (error) {
      await upload.abort();
      throw error;
    } finally {
      await reader.close();
    }
    const list = await encodeManifest(saved.manifest);
    await this.store.put(keys.manifest(name), once(list));
    await this.notes.setLastSaved(threadId, name, saved);
    return { name, extent: scan.extent, sentBytes: upload.sentBytes + list.length };
  }

  async restore(threadId: string, snapshot: SnapshotName): Promise<RestoredSnapshot> {
    const manifest = await this.#fetchManifest(threadId, snapshot);
    const keys = toObjectKeys(threadId);
    await this.sandbox.replace(threadId, async (tree) => {
      await restoreFiles(tree, manifest, (pack) => this.#get(keys.pack(pack.name)));
      await this.#addTemplateFiles(tree, manifest);
    });
    const { generation, turn, extent } = manifest;
    return { generation, turn, extent };
  }

  prune(findCurrent: (threadId: string) => Promise<SnapshotName | undefined>): Promise<void> {
    return pruneObjects(this.store, {
      findCurrent,
      packsOf: async (threadId, snapshot) => {
        try {
          const { packs } = await this.#fetchManifest(threadId, snapshot);
          return packs.map((pack) => pack.name);
        } catch (error) {
          if (!(error instanceof SnapshotError)) throw error;
          this.logger.error({ threadId, err: error }, 'failed to read the current snapshot of a thread');
          return undefined;
        }
      },
      nowMs: Date.now(),
    });
  }

  async remove(threadId: string): Promise<void> {
    for await (const { key } of this.store.list(toObjectKeys(threadId).prefix)) await this.store.remove(key);
    await this.notes.remove(threadId);
  }

  #report(threadId: string, { extent, tooDeep }: FileScan): void {
    if (tooDeep > 0)
      this.logger.warn({ threadId, folders: tooDeep }, 'left folders out of a snapshot: nested too deeply');
    if (extent !== 'all') {
      this.logger.warn({ threadId, has: extent }, 'left files out of a snapshot: above CHIRON_SNAPSHOT_LIMIT_MB');
    }
  }

  async #findSaved(threadId: string, snapshot: SnapshotName): Promise<LastSaved> {
    const noted = await this.notes.lastSaved(threadId, snapshot);
    return noted ?? { manifest: await this.#fetchManifest(threadId, snapshot), stamps: new Map() };
  }

  async #fetchManifest(threadId: string, snapshot: SnapshotName): Promise<Manifest> {
    return decodeManifest(await buffer(await this.#get(toObjectKeys(threadId).manifest(snapshot))));
  }

  async #get(key: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      return await this.store.get(key);
    } catch (error) {
      if (error instanceof ObjectMissingError) throw new SnapshotError(error.message, { cause: error });
      throw error;
    }
  }

  /** The login of a deployment, for one: it is no part of a snapshot. */
  async #addTemplateFiles(tree: TreeWriter, { entries }: Manifest): Promise<void> {
    const folders = new Set(entries.flatMap(({ kind, path }) => (kind === 'folder' ? [path] : [])));
    for (const path of this.templateFiles) {
      const text = folders.has(path.slice(0, path.lastIndexOf('/')))
        ? await this.sandbox.templateText(path)
        : undefined;
      if (text === undefined) continue;
      const bytes = Buffer.from(text);
      await tree.makeFile(path, bytes.length);
      await tree.writePart(path, bytes, 0);
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

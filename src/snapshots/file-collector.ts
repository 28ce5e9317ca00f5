import { toStamp, type TreeEntry } from '../sandbox/tree/walk-tree.js';
import type { OpenTreeFile, TreeReader } from '../sandbox/tree/tree-reader.js';
import { chooseKeptChunks } from './choose-packs.js';
import type { LastSaved } from './local-notes.js';
import { ManifestBuilder } from './manifest-builder.js';
import { CHUNK_BYTES } from './manifest.js';
import type { PackUpload } from './pack-upload.js';
import { hashOf } from './restore-files.js';
import type { FileScan } from './scan-files.js';
import type { SnapshotName, SnapshotVersion } from './thread-snapshots.js';

/** A file that was changed later than this before it was read may have been changed again since, in the same tick of the disk's clock. */
const REST_MS = 2000;

const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** Reads the files that have changed since the last snapshot, sends what is new of them, and lists everything. */
export class FileCollector {
  readonly #builder: ManifestBuilder;
  readonly #stamps = new Map<string, string>();
  readonly #before: ReadonlyMap<
    string,
    { readonly stamp: string; readonly size: number; readonly hashes: readonly string[] }
  >;

  constructor(
    private readonly reader: TreeReader,
    private readonly upload: PackUpload,
    before: LastSaved | undefined,
    name: SnapshotName,
  ) {
    this.#builder = new ManifestBuilder(before === undefined ? new Map() : chooseKeptChunks(before.manifest), name);
    this.#before = before === undefined ? new Map() : toKnownFiles(before);
  }

  /** Resolves to what the snapshot has, once all of it was handed to the upload. */
  async collect({ entries, extent }: FileScan, version: SnapshotVersion): Promise<LastSaved> {
    for (const entry of entries) {
      if (entry.kind !== 'file') this.#builder.addOther(entry);
      else if (!this.#addUnchanged(entry)) await this.reader.withFile(entry.path, (file) => this.#addRead(entry, file));
    }
    return { manifest: this.#builder.build(version, extent), stamps: this.#stamps };
  }

  #addUnchanged(entry: TreeEntry): boolean {
    const known = this.#before.get(entry.path);
    if (known?.stamp !== entry.stamp) return false;
    const chunks = known.hashes.map((hash) => (hash === '' ? -1 : this.#builder.find(hash)));
    if (!chunks.every((chunk) => chunk !== undefined)) return false;
    this.#builder.addFile(entry, known.size, chunks);
    this.#stamps.set(entry.path, entry.stamp);
    return true;
  }

  async #addRead(entry: TreeEntry, file: OpenTreeFile): Promise<void> {
    const { stats } = file;
    const chunks: number[] = [];
    let size = 0;
    // As long as it was when it was opened: an agent may write without an end.
    while (size < stats.size) {
      const bytes = await file.read(size, Math.min(CHUNK_BYTES, stats.size - size));
      if (bytes.length === 0) break;
      chunks.push(await this.#place(bytes));
      size += bytes.length;
      if (bytes.length < CHUNK_BYTES) break;
    }
    this.#builder.addFile(entry, size, chunks);
    if (size === stats.size && Date.now() - stats.ctimeMs > REST_MS) this.#stamps.set(entry.path, toStamp(stats));
  }

  async #place(bytes: Buffer): Promise<number> {
    if (bytes.equals(ZEROS.subarray(0, bytes.length))) return -1;
    const hash = hashOf(bytes);
    const known = this.#builder.find(hash);
    if (known !== undefined) return known;
    await this.upload.write(bytes);
    return this.#builder.append(hash, bytes.length);
  }
}

function toKnownFiles({ manifest, stamps }: LastSaved) {
  return new Map(
    manifest.entries.flatMap((entry) => {
      const stamp = stamps.get(entry.path);
      if (entry.kind !== 'file' || stamp === undefined) return [];
      const hashes = entry.chunks.map((index) => manifest.chunks[index]?.hash ?? '');
      return [[entry.path, { stamp, size: entry.size, hashes }] as const];
    }),
  );
}

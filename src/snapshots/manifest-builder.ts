import type { TreeEntry } from '../sandbox/tree/walk-tree.js';
import type { KeptChunk } from './choose-packs.js';
import type { Chunk, Manifest, ManifestEntry, PackInfo } from './manifest.js';
import type { SnapshotExtent, SnapshotVersion } from './thread-snapshots.js';

/** Collects the entries of a new manifest, and decides which pieces have to be sent. */
export class ManifestBuilder {
  readonly #packs: { readonly name: string; bytes: number }[] = [];
  readonly #chunks: Chunk[] = [];
  readonly #entries: ManifestEntry[] = [];
  readonly #indexByHash = new Map<string, number>();
  readonly #packByName = new Map<string, number>();
  #newPack: number | undefined;

  /**
   * @param kept pieces that the store has, by their hashes
   * @param newPackName the pack of all other pieces
   */
  constructor(
    private readonly kept: ReadonlyMap<string, KeptChunk>,
    private readonly newPackName: string,
  ) {}

  /** The index of a piece that the store has, or will have; `undefined` if it has to be sent. */
  find(hash: string): number | undefined {
    const known = this.#indexByHash.get(hash);
    if (known !== undefined) return known;
    const kept = this.kept.get(hash);
    if (kept === undefined) return undefined;
    return this.#add({ hash, pack: this.#indexOf(kept.pack), offset: kept.offset, length: kept.length });
  }

  /** Puts a piece at the end of the new pack. */
  append(hash: string, length: number): number {
    this.#newPack ??= this.#indexOf({ name: this.newPackName, bytes: 0 });
    const pack = this.#packs[this.#newPack];
    if (pack === undefined) throw new Error('unreachable: the new pack is not in the list');
    const index = this.#add({ hash, pack: this.#newPack, offset: pack.bytes, length });
    pack.bytes += length;
    return index;
  }

  addFile({ path, mode, modifiedMs }: TreeEntry, size: number, chunks: readonly number[]): void {
    this.#entries.push({ kind: 'file', path, mode, modifiedMs, size, chunks });
  }

  /** Adds a folder or a link. */
  addOther({ kind, path, mode, modifiedMs, target }: TreeEntry): void {
    this.#entries.push(
      kind === 'link' ? { kind: 'link', path, target, modifiedMs } : { kind: 'folder', path, mode, modifiedMs },
    );
  }

  build({ generation, turn }: SnapshotVersion, extent: SnapshotExtent): Manifest {
    const packs: readonly PackInfo[] = this.#packs;
    return { format: 1, generation, turn, extent, packs, chunks: this.#chunks, entries: this.#entries };
  }

  #add(chunk: Chunk): number {
    const index = this.#chunks.push(chunk) - 1;
    this.#indexByHash.set(chunk.hash, index);
    return index;
  }

  #indexOf(pack: PackInfo): number {
    const known = this.#packByName.get(pack.name);
    if (known !== undefined) return known;
    const index = this.#packs.push({ ...pack }) - 1;
    this.#packByName.set(pack.name, index);
    return index;
  }
}

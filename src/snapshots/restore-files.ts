import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import type { TreeWriter } from '../sandbox/tree/tree-writer.js';
import { CHUNK_BYTES, type Chunk, type Manifest, type PackInfo } from './manifest.js';
import { SnapshotError } from './thread-snapshots.js';

/** A place in a file that gets a piece. */
interface Place {
  readonly path: string;
  readonly offset: number;
}

/**
 * Writes all that a manifest lists. Each pack is read once, from its beginning; one piece at a time is held in memory.
 *
 * @param openPack the compressed bytes of a pack
 * @throws SnapshotError if a piece is missing or is not what was stored
 */
export async function restoreFiles(
  tree: TreeWriter,
  manifest: Manifest,
  openPack: (pack: PackInfo) => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  for (const entry of manifest.entries) {
    if (entry.kind === 'folder') await tree.makeFolder(entry.path);
    else if (entry.kind === 'link') await tree.makeLink(entry.path, entry.target);
    else await tree.makeFile(entry.path, entry.size);
  }
  const places = findPlaces(manifest);
  for (const [index, pack] of manifest.packs.entries()) {
    const wanted = manifest.chunks
      .map((chunk, position) => ({ chunk, places: places.get(position) ?? [] }))
      .filter(({ chunk, places: some }) => chunk.pack === index && some.length > 0)
      .toSorted((a, b) => a.chunk.offset - b.chunk.offset);
    if (wanted.length > 0) await restorePack(tree, wanted, await openPack(pack));
  }
  // From the innermost outwards: a folder may forbid writing in it.
  for (const entry of manifest.entries.toReversed()) await tree.finish({ mode: 0o777, ...entry });
}

function findPlaces({ entries }: Manifest): ReadonlyMap<number, readonly Place[]> {
  const places = new Map<number, Place[]>();
  for (const entry of entries) {
    if (entry.kind !== 'file') continue;
    for (const [position, chunk] of entry.chunks.entries()) {
      const known = places.get(chunk) ?? [];
      known.push({ path: entry.path, offset: position * CHUNK_BYTES });
      places.set(chunk, known);
    }
  }
  places.delete(-1);
  return places;
}

async function restorePack(
  tree: TreeWriter,
  wanted: readonly { readonly chunk: Chunk; readonly places: readonly Place[] }[],
  packed: AsyncIterable<Uint8Array>,
): Promise<void> {
  await pipeline(Readable.from(packed), createZstdDecompress(), async (unpacked: AsyncIterable<Uint8Array>) => {
    const rest = wanted[Symbol.iterator]();
    let next = rest.next();
    const piece = Buffer.alloc(CHUNK_BYTES);
    let position = 0;
    for await (const bytes of unpacked) {
      let taken = 0;
      while (next.done !== true && taken < bytes.length) {
        const { chunk, places } = next.value;
        // What is before it belongs to no file any more.
        const begin = Math.max(taken, chunk.offset - position);
        if (begin >= bytes.length) break;
        const filled = position + begin - chunk.offset;
        const length = Math.min(chunk.length - filled, bytes.length - begin);
        piece.set(bytes.subarray(begin, begin + length), filled);
        taken = begin + length;
        if (filled + length < chunk.length) break;
        await writePiece(tree, chunk, places, piece.subarray(0, chunk.length));
        next = rest.next();
      }
      position += bytes.length;
    }
    if (next.done !== true) throw new SnapshotError('a part of a snapshot is shorter than it was');
  });
}

async function writePiece(tree: TreeWriter, { hash }: Chunk, places: readonly Place[], bytes: Buffer): Promise<void> {
  if (hashOf(bytes) !== hash) throw new SnapshotError('a part of a snapshot is not what was stored');
  for (const { path, offset } of places) await tree.writePart(path, bytes, offset);
}

/** The name of a piece of a file. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

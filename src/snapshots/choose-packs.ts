import type { Chunk, Manifest, PackInfo } from './manifest.js';

/** A snapshot is fetched pack by pack, so there should not be many. */
const MAX_PACKS = 32;
/** How many packs are left once there were too many. */
const PACKS_LEFT = 8;

/** Where a piece of a kept pack is. */
export interface KeptChunk extends Omit<Chunk, 'pack'> {
  readonly pack: PackInfo;
}

/**
 * The pieces of a snapshot that the next one need not send again, by their hashes. The others are in packs that are given up: those of which less
 * than half is used, and all but the largest, if there are many. What is used of them is sent again, in one pack. So a snapshot takes at most about
 * twice the room of its files, and long files are seldom sent again.
 */
export function chooseKeptChunks({
  packs,
  chunks,
}: Pick<Manifest, 'packs' | 'chunks'>): ReadonlyMap<string, KeptChunk> {
  const usedBytes = packs.map(() => 0);
  for (const { pack, length } of chunks) usedBytes[pack] = (usedBytes[pack] ?? 0) + length;
  const worthKeeping = packs
    .map((pack, index) => ({ pack, index, used: usedBytes[index] ?? 0 }))
    .filter(({ pack, used }) => used > 0 && used * 2 >= pack.bytes)
    .toSorted((a, b) => b.used - a.used);
  const most = worthKeeping.length < MAX_PACKS ? MAX_PACKS : PACKS_LEFT;
  const kept = new Set(worthKeeping.slice(0, most).map(({ index }) => index));
  const found = new Map<string, KeptChunk>();
  for (const { hash, pack: index, offset, length } of chunks) {
    const pack = packs[index];
    if (pack !== undefined && kept.has(index)) found.set(hash, { hash, pack, offset, length });
  }
  return found;
}

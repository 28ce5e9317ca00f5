import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { SnapshotError, type SnapshotExtent } from './thread-snapshots.js';

/** Files are stored in pieces of this many bytes, so that of a long one that grew only its end is sent again. */
export const CHUNK_BYTES = 1024 * 1024;

/** The folders of a thread that snapshots have something of. */
export const SAVED_FOLDERS = ['home', 'server', 'workspace'] as const;

/** A longer list of files would not fit into the server's memory. */
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;

/** An object with the pieces of many files, one after the other, compressed as a whole. */
export interface PackInfo {
  readonly name: string;
  /** Length before it was compressed. */
  readonly bytes: number;
}

/** Where a piece is. */
export interface Chunk {
  /** SHA-256 of its bytes, in hex digits. */
  readonly hash: string;
  /** Index of its pack. */
  readonly pack: number;
  /** Where it begins in the pack before that was compressed. */
  readonly offset: number;
  readonly length: number;
}

/** A file, folder or link of a snapshot. Paths are relative to the thread's folder, with `/`. */
export type ManifestEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number; readonly modifiedMs: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string; readonly modifiedMs: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly modifiedMs: number;
      readonly size: number;
      /** Indexes of its pieces, in order; -1 for one of zeros, which is stored nowhere. All are full but for the last one. */
      readonly chunks: readonly number[];
    };

/** The list of what a snapshot has. */
export interface Manifest {
  readonly format: 1;
  readonly generation: number;
  readonly turn: number;
  readonly extent: SnapshotExtent;
  readonly packs: readonly PackInfo[];
  readonly chunks: readonly Chunk[];
  /** Folders before what is in them. */
  readonly entries: readonly ManifestEntry[];
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The bytes under which a manifest is stored. */
export function encodeManifest(manifest: Manifest): Promise<Buffer> {
  return compress(Buffer.from(JSON.stringify(manifest)));
}

/**
 * Reads what {@link encodeManifest} gave. It comes from outside of the server, so that everything is checked that could write elsewhere.
 *
 * @throws SnapshotError
 */
export async function decodeManifest(bytes: Uint8Array): Promise<Manifest> {
  let value: unknown;
  try {
    const text = await decompress(bytes, { maxOutputLength: MAX_MANIFEST_BYTES });
    value = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new SnapshotError('the list of files in a snapshot cannot be read', { cause: error });
  }
  if (!isManifest(value)) throw new SnapshotError('the list of files in a snapshot is damaged, or of another version');
  return value;
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value['format'] !== 1) return false;
  const { packs, chunks, entries } = value;
  if (!isCount(value['generation']) || !isCount(value['turn'])) return false;
  if (!['all', 'home', 'records'].includes(String(value['extent']))) return false;
  if (!isListOf(packs, isPack) || !isListOf(chunks, isChunk) || !isListOf(entries, isEntry)) return false;
  return (
    chunks.every(({ pack }) => pack < packs.length) &&
    entries.every((entry) => entry.kind !== 'file' || hasRightChunks(entry, chunks))
  );
}

function isPack(value: unknown): value is PackInfo {
  return isRecord(value) && typeof value['name'] === 'string' && isPackName(value['name']) && isCount(value['bytes']);
}

function isPackName(name: string): boolean {
  return /^[\w-]+$/.test(name);
}

function isChunk(value: unknown): value is Chunk {
  return (
    isRecord(value) &&
    typeof value['hash'] === 'string' &&
    isCount(value['pack']) &&
    isCount(value['offset']) &&
    isCount(value['length']) &&
    value['length'] <= CHUNK_BYTES
  );
}

function isEntry(value: unknown): value is ManifestEntry {
  if (!isRecord(value) || typeof value['path'] !== 'string' || !isSafePath(value['path'])) return false;
  const isTop = !value['path'].includes('/');
  if (typeof value['modifiedMs'] !== 'number' || (isTop && value['kind'] !== 'folder')) return false;
  switch (value['kind']) {
    case 'link':
      return typeof value['target'] === 'string' && value['target'] !== '' && !value['target'].includes('\0');
    case 'folder':
      return isCount(value['mode']);
    case 'file':
      return isCount(value['mode']) && isCount(value['size']) && isListOf(value['chunks'], Number.isSafeInteger);
    default:
      return false;
  }
}

/** A path of names below one of the saved folders: no way up, nothing that the system would cut. */
function isSafePath(path: string): boolean {
  const names = path.split('/');
  return (
    SAVED_FOLDERS.some((folder) => folder === names[0]) &&
    names.every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'))
  );
}

function hasRightChunks(
  { size, chunks: own }: Extract<ManifestEntry, { kind: 'file' }>,
  chunks: readonly Chunk[],
): boolean {
  if (own.length !== Math.ceil(size / CHUNK_BYTES)) return false;
  return own.every((index, position) => {
    const length = Math.min(CHUNK_BYTES, size - position * CHUNK_BYTES);
    return index === -1 || chunks[index]?.length === length;
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[];
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean;
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(item));
}

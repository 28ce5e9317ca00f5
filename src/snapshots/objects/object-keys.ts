import type { SnapshotName } from '../thread-snapshots.js';

const THREADS = 'threads/';
const MANIFEST = '.manifest';
const PACK = '.pack';

/** The keys of a thread's objects. */
export interface ObjectKeys {
  /** That of all of them. */
  readonly prefix: string;
  manifest(snapshot: SnapshotName): string;
  pack(name: string): string;
}

/** What an object is. */
export interface KnownObject {
  readonly threadId: string;
  readonly kind: 'manifest' | 'pack';
  /** Of the snapshot that it was made for. */
  readonly name: SnapshotName;
}

export function toObjectKeys(threadId: string): ObjectKeys {
  if (!/^[\w-]+$/.test(threadId)) throw new Error('a thread id holds only letters, digits, "_" and "-"');
  const prefix = `${THREADS}${threadId}/`;
  return {
    prefix,
    manifest: (snapshot) => `${prefix}${snapshot}${MANIFEST}`,
    pack: (name) => `${prefix}${name}${PACK}`,
  };
}

/** `undefined` for an object that is none of ours. */
export function readObjectKey(key: string): KnownObject | undefined {
  const [, threadId, name, ending] = /^threads\/([\w-]+)\/([\w-]+)(\.manifest|\.pack)$/.exec(key) ?? [];
  if (threadId === undefined || name === undefined) return undefined;
  return { threadId, kind: ending === MANIFEST ? 'manifest' : 'pack', name };
}

/** The common beginning of the keys of all threads. */
export const ALL_THREADS = THREADS;

import type { SnapshotName } from '../thread-snapshots.js';
import { ALL_THREADS, type KnownObject, readObjectKey } from './object-keys.js';
import type { ObjectStore } from './object-store.js';

/** What is younger may belong to a snapshot that is being made, or be read by a server that has just lost the thread. */
const MIN_AGE_MS = 86_400_000;

/** What pruning depends on. */
export interface PruneFacts {
  readonly findCurrent: (threadId: string) => Promise<SnapshotName | undefined>;
  /** The packs that a snapshot uses; `undefined` if this is not known: then none of the thread's packs is removed. */
  readonly packsOf: (threadId: string, snapshot: SnapshotName) => Promise<readonly string[] | undefined>;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

interface OwnObject extends KnownObject {
  readonly key: string;
  readonly isOld: boolean;
}

/** Removes the old objects that no current snapshot uses, one thread after the other. What else lies below the same prefix is left alone. */
export async function pruneObjects(store: ObjectStore, facts: PruneFacts): Promise<void> {
  let objects: OwnObject[] = [];
  for await (const { key, modifiedMs } of store.list(ALL_THREADS)) {
    const known = readObjectKey(key);
    if (known === undefined) continue;
    if (objects[0] !== undefined && objects[0].threadId !== known.threadId) {
      await pruneThread(store, objects, facts);
      objects = [];
    }
    objects.push({ ...known, key, isOld: facts.nowMs - modifiedMs > MIN_AGE_MS });
  }
  await pruneThread(store, objects, facts);
}

async function pruneThread(store: ObjectStore, objects: readonly OwnObject[], facts: PruneFacts): Promise<void> {
  const old = objects.filter(({ isOld }) => isOld);
  const [first] = old;
  if (first === undefined) return;
  const current = await facts.findCurrent(first.threadId);
  const others = old.filter(({ name }) => name !== current);
  const hasPacks = others.some(({ kind }) => kind === 'pack');
  const used = current === undefined || !hasPacks ? [] : await facts.packsOf(first.threadId, current);
  for (const { key, kind, name } of others) {
    if (kind === 'manifest' || used?.includes(name) === false) await store.remove(key);
  }
}

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.js';
import { SnapshotError, type SnapshotName } from './thread-snapshots.js';

/** Which snapshot a thread's folders on this machine have come from, or become. */
export interface FolderOrigin {
  /** The folders have everything that is in this snapshot. */
  readonly snapshot: SnapshotName | undefined;
  /** A snapshot that is being made of them: the store may name it already. */
  readonly pending: SnapshotName | undefined;
}

/** What was in the last snapshot that this server made of a thread, to tell what has changed since. */
export interface LastSaved {
  readonly manifest: Manifest;
  /** The stamps of the files that had been at rest, by their paths. */
  readonly stamps: ReadonlyMap<string, string>;
}

/**
 * What this server notes of its threads' folders: in the data folder, beside the threads, where no isolated agent reaches. All of it can be lost: then files
 * are fetched, or read, once more.
 */
export class LocalNotes {
  /** @param folder absolute path; made when it is needed */
  constructor(private readonly folder: string) {}

  /** Where the folders of a thread are from; nothing known for a thread that was never saved here. */
  async origin(threadId: string): Promise<FolderOrigin> {
    const text = await this.#read(threadId, 'origin.json');
    const value: unknown = text === undefined ? undefined : parseJson(text.toString('utf8'));
    const field = (name: string): string | undefined => {
      const found = typeof value === 'object' && value !== null ? Object.entries(value) : [];
      const [, content] = found.find(([key]) => key === name) ?? [];
      return typeof content === 'string' ? content : undefined;
    };
    return { snapshot: field('snapshot'), pending: field('pending') };
  }

  async setOrigin(threadId: string, origin: FolderOrigin): Promise<void> {
    await this.#write(threadId, 'origin.json', Buffer.from(JSON.stringify(origin)));
  }

  /** What the last snapshot had; `undefined` if this is not known, or if that was another one. */
  async lastSaved(threadId: string, snapshot: SnapshotName): Promise<LastSaved | undefined> {
    const [stamps, manifest] = await Promise.all([
      this.#read(threadId, 'stamps.json'),
      this.#read(threadId, 'manifest.zst'),
    ]);
    if (stamps === undefined || manifest === undefined) return undefined;
    const noted: unknown = parseJson(stamps.toString('utf8'));
    if (!isStampFile(noted) || noted.snapshot !== snapshot) return undefined;
    try {
      return { manifest: await decodeManifest(manifest), stamps: new Map(noted.stamps) };
    } catch (error) {
      // The disk was full, for one; the store has the manifest, too.
      if (error instanceof SnapshotError) return undefined;
      throw error;
    }
  }

  async setLastSaved(threadId: string, snapshot: SnapshotName, { manifest, stamps }: LastSaved): Promise<void> {
    // In between there are no stamps, so that none ever belongs to another manifest.
    await rm(this.#path(threadId, 'stamps.json'), { force: true });
    await this.#write(threadId, 'manifest.zst', await encodeManifest(manifest));
    const noted: StampFile = { snapshot, stamps: [...stamps] };
    await this.#write(threadId, 'stamps.json', Buffer.from(JSON.stringify(noted)));
  }

  async remove(threadId: string): Promise<void> {
    await rm(this.#path(threadId), { recursive: true, force: true });
  }

  async #read(threadId: string, name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#path(threadId, name));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #write(threadId: string, name: string, bytes: Buffer): Promise<void> {
    const path = this.#path(threadId, name);
    const draft = `${path}.${randomUUID()}`;
    await mkdir(this.#path(threadId), { recursive: true, mode: 0o700 });
    try {
      await writeFile(draft, bytes, { mode: 0o600 });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  #path(threadId: string, ...names: readonly string[]): string {
    if (!/^[\w-]+$/.test(threadId)) throw new Error('a thread id holds only letters, digits, "_" and "-"');
    return join(this.folder, threadId, ...names);
  }
}

interface StampFile {
  readonly snapshot: SnapshotName;
  readonly stamps: readonly (readonly [string, string])[];
}

function isStampFile(value: unknown): value is StampFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'snapshot' in value &&
    typeof value.snapshot === 'string' &&
    'stamps' in value &&
    Array.isArray(value.stamps) &&
    value.stamps.every(
      (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string'),
    )
  );
}

/** `undefined` for what a crash has left of a file. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

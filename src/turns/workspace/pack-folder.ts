import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack as createPack } from 'tar-stream';
import { ServiceError } from '../../domain/service-error.js';
import type { WorkspaceAccess, WorkspaceTreeEntry } from '../../harness/harness.gateway.js';

/** The list of a folder's entries is in memory. */
const MAX_ENTRIES = 100_000;

/**
 * Packs a folder as a tar archive, as fast as it is read; one file is open at a time. Links are packed as links, but for those that lead out of the folder,
 * as an archive is unpacked on somebody's own machine.
 *
 * @throws ServiceError (`too_large`) for a folder with too many entries
 */
export async function packFolder(files: WorkspaceAccess, folder: string): Promise<AsyncIterable<Uint8Array>> {
  const entries: WorkspaceTreeEntry[] = [];
  await files.walk(folder, (entry) => {
    if (entries.length > MAX_ENTRIES)
      throw new ServiceError('too_large', `the folder has more than ${MAX_ENTRIES} entries: download its folders`);
    entries.push(entry);
  });
  const pack = createPack();
  const run = async (): Promise<void> => {
    for (const entry of entries) {
      const name = entry.path.slice(folder.length + 1);
      if (name === '') continue;
      const head = { name, mode: entry.mode, mtime: new Date(entry.modifiedMs) };
      switch (entry.kind) {
        case 'folder':
          pack.entry({ ...head, type: 'directory' });
          break;
        case 'link':
          if (leadsInside(name, entry.target)) pack.entry({ ...head, type: 'symlink', linkname: entry.target });
          break;
        case 'file': {
          // Gone or replaced since.
          const found = await files.lookAt(entry.path);
          if (found?.kind !== 'file') break;
          const sink = pack.entry({ ...head, size: found.size });
          await pipeline(Readable.from(files.bytes(entry.path, found.size), { objectMode: false }), sink);
          break;
        }
        default:
          entry.kind satisfies never;
      }
    }
    pack.finalize();
  };
  run().catch((error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))));
  return bytesOf(pack);
}

async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const bytes of stream) if (bytes instanceof Uint8Array) yield bytes;
}

/** Whether a link at this path leads to something in the same folder. */
export function leadsInside(path: string, target: string): boolean {
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  return target !== '' && !target.startsWith('/') && resolved !== '..' && !resolved.startsWith('../');
}

import type { HarnessThread, HarnessTurn } from '../../harness.js';
import { findRecordings, readRecording } from '../record/rollout.js';
import { countSeeded, toSeedItems } from '../seed/seed-items.js';
import type { OpenConversation } from './codex-process.js';
import { uploadFolder, writeUploads } from '../../prompt/uploads.js';

/**
 * Puts earlier messages at the end of the record, but what an earlier attempt of the turn has put there.
 *
 * @throws JsonRpcError if the server refuses or has exited.
 */
export async function injectSeed(
  thread: HarnessThread,
  { running, conversation: { threadId } }: OpenConversation,
  { seed = [], attempt }: Pick<HarnessTurn, 'seed' | 'attempt'>,
): Promise<void> {
  if (seed.length === 0) return;
  const { items, uploads } = toSeedItems(seed, uploadFolder(thread));
  await writeUploads(thread.files, uploads);
  const [path] = attempt > 1 ? await findRecordings(thread.files, threadId) : [];
  const seeded = path === undefined ? 0 : countSeeded(await readRecording(thread.files, path), items);
  const missing = items.slice(seeded);
  if (missing.length > 0) await running.server.request('thread/inject_items', { threadId, items: missing });
}

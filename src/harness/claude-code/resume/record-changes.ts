import type { Logger } from '@nestjs/common';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessTurn } from '../../harness.js';
import { findMarkedTurn } from '../caller-tools/results.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { callsOf } from './cut-off-calls.js';
import { chainEntries } from './entries.js';
import { collectTranscriptIds, rebuildMissingEntries } from './missing-entries.js';
import { toSeedEntries, toSeedUuid } from './seed-entries.js';
import {
  appendEntries,
  createTranscript,
  cutBefore,
  isResumable,
  readTranscript,
  type Transcript,
} from './transcript.js';
import { isMessageOf, toPromptEntry } from './turn-plan.js';

/**
 * Removes an earlier turn and all later ones from the transcript: everything from its prompt on, or from the results that it brought. A
 * turn that the transcript does not have, as it was compacted away or comes from an older version, is logged, and all is kept: what the
 * agent remembers too much does less harm than a memory that ends anywhere. A later attempt finds it removed.
 *
 * Returns the transcript as it is then; `undefined` if nothing is left that could be resumed.
 */
export async function dropTurns(
  files: ThreadFiles,
  transcript: Transcript,
  { dropFrom, attempt }: HarnessTurn,
  logger: Pick<Logger, 'warn'>,
): Promise<Transcript | undefined> {
  if (dropFrom === undefined) return transcript;
  const from = findTurn(transcript.entries, dropFrom);
  const uuid = asString(transcript.entries[from]?.['uuid']);
  if (uuid === undefined) {
    if (attempt === 1) logger.warn(`kept the whole record of Claude Code: it does not have the turn ${dropFrom}`);
    return transcript;
  }
  await cutBefore(files, transcript.path, uuid);
  return keepEntries(files, transcript, from);
}

/**
 * Writes the calls into the transcript whose results a turn brings, with the rest of their message, if it lacks them: a process that is killed
 * within some 30 ms of a message has not written it (2.1.330, seen). Returns the transcript as it is then.
 */
export async function restoreCalls(
  files: ThreadFiles,
  transcript: Transcript,
  { toolResults, loadCallEvents }: HarnessTurn,
): Promise<Transcript> {
  if (toolResults === undefined || loadCallEvents === undefined) return transcript;
  const own = transcript.entries.filter(isOwn);
  const recorded = new Set(own.flatMap(callsOf).map(({ id }) => id));
  if (toolResults.every(({ callId }) => recorded.has(callId))) return transcript;
  const missing = rebuildMissingEntries(await loadCallEvents(), collectTranscriptIds(own));
  await appendEntries(files, transcript, chainEntries(missing, own));
  return (await readTranscript(files, transcript.sessionId)) ?? transcript;
}

/** Where a turn begins in a transcript; -1 if it does not. */
export function findTurn(entries: readonly JsonObject[], turnId: string): number {
  return entries.findIndex(
    (entry) => entry['isSidechain'] !== true && (isMessageOf(entry, turnId) || findMarkedTurn(entry) === turnId),
  );
}

/** Looks for messages of the user in a conversation's transcript. Returns whether it has one, by its `uuid`. */
export async function findRecorded(
  files: ThreadFiles,
  sessionId: string | undefined,
  uuids: readonly string[],
): Promise<(uuid: string) => boolean> {
  const { entries } = (sessionId === undefined ? undefined : await readTranscript(files, sessionId)) ?? { entries: [] };
  const recorded = new Set(uuids.filter((uuid) => findTurn(entries, uuid) >= 0));
  return (uuid) => recorded.has(uuid);
}

/**
 * Writes a turn's seed behind the conversation, or as the beginning of the conversation `sessionId`. What an earlier attempt wrote of it is
 * replaced, as it can be incomplete. Returns whether the prompt was written, too: behind a message of the user, Claude Code would take a
 * prompt of its own for a later turn.
 */
export async function seedRecord(
  files: ThreadFiles,
  transcript: Transcript | undefined,
  sessionId: string,
  turn: HarnessTurn,
): Promise<boolean> {
  const { seed = [], id, prompt } = turn;
  const endsWithUser = seed.at(-1)?.role === 'user';
  const entries = [...toSeedEntries(seed, id), ...(endsWithUser ? [toPromptEntry({ id, prompt })] : [])];
  const kept = transcript === undefined ? undefined : await dropSeed(files, transcript, id);
  if (kept === undefined) await createTranscript(files, sessionId, entries);
  else await appendEntries(files, kept, chainEntries(entries, kept.entries.filter(isOwn)));
  return endsWithUser;
}

async function dropSeed(files: ThreadFiles, transcript: Transcript, turnId: string): Promise<Transcript | undefined> {
  const first = toSeedUuid(turnId, 0);
  const from = transcript.entries.findIndex(({ uuid }) => uuid === first);
  if (from < 0) return transcript;
  await cutBefore(files, transcript.path, first);
  return keepEntries(files, transcript, from);
}

/** A file without a conversation cannot be resumed, and still makes its id "already in use" (2.1.330). */
async function keepEntries(files: ThreadFiles, transcript: Transcript, count: number): Promise<Transcript | undefined> {
  const entries = transcript.entries.slice(0, count);
  if (isResumable(entries)) return { ...transcript, entries };
  await files.remove(transcript.path);
  return undefined;
}

function isOwn(entry: JsonObject): boolean {
  return entry['isSidechain'] !== true;
}

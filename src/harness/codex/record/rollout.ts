import type { JsonObject } from '../../../domain/harness-event.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { parseRolloutLines, type RolloutLine } from './rollout-lines.js';

/** Where Codex keeps its recordings: `<year>/<month>/<day>/rollout-<time>-<conversation>….jsonl` (0.169.0). */
const SESSIONS = 'home/.codex/sessions';

/** How many names of one folder are looked at. */
const MAX_NAMES = 10_000;

/** How much of the end of a recording is read: the items of one turn, with its images. */
const MAX_TAIL_BYTES = 64 * 1024 * 1024;

/** Backups give a recording other names. */
const FROM_END = { from: 'end', otherNames: true } as const;

/**
 * The recordings of a conversation below the thread's folder, newest first. Codex 0.169.0 goes on in a second file,
 * `rollout-<time>-<conversation>_<part>.jsonl`, after `thread/revert` (seen).
 */
export async function findRecordings(files: ThreadFiles, conversation: string): Promise<readonly string[]> {
  const found = await findBelow(
    files,
    SESSIONS,
    3,
    (name) => name.startsWith('rollout-') && name.includes(conversation),
  );
  // `.` is before `_`, and the names of parts begin with their time.
  return found.toSorted().toReversed();
}

/** Whether there is a recording of this conversation; it is not read. */
export async function hasRecording(files: ThreadFiles, conversation: string): Promise<boolean> {
  return (await findRecordings(files, conversation)).length > 0;
}

async function findBelow(
  files: ThreadFiles,
  folder: string,
  depth: number,
  isWanted: (name: string) => boolean,
): Promise<readonly string[]> {
  const names = await files.list(folder, MAX_NAMES).catch(noneWhenRefused);
  if (depth === 0) return names.filter(isWanted).map((name) => `${folder}/${name}`);
  const found = await Promise.all(names.map((name) => findBelow(files, `${folder}/${name}`, depth - 1, isWanted)));
  return found.flat();
}

/** What is no plain file is no recording. */
function undefinedWhenRefused(error: unknown): undefined {
  if (!(error instanceof ThreadFileError)) throw error;
}

/** What is no folder holds no recording. */
function noneWhenRefused(error: unknown): readonly string[] {
  if (error instanceof ThreadFileError) return [];
  throw error;
}

/** The end of a recording; `from` is an offset at which a line begins. Nothing of a file that is not there. */
export async function readRecording(files: ThreadFiles, path: string, from = 0): Promise<readonly RolloutLine[]> {
  const wanted = (await recordingSize(files, path)) - from;
  if (wanted <= 0) return [];
  const part = await files.read(path, Math.min(wanted, MAX_TAIL_BYTES), FROM_END).catch(undefinedWhenRefused);
  if (part === undefined) return [];
  return parseRolloutLines(part.bytes, part.offset, part.offset === from);
}

/** Length of a recording in bytes; 0 if it is not there. */
export async function recordingSize(files: ThreadFiles, path: string): Promise<number> {
  return (await files.stat(path))?.size ?? 0;
}

/**
 * Replaces the caller's tools of a recorded conversation; Codex reads them when it resumes it. Neither `thread/resume` nor `thread/fork`
 * of 0.169.0 takes `dynamicTools`, and there is no other method for it; but Codex has a line of its own for a change of them, and this
 * is that line (all seen). The conversation must not be open.
 */
export async function recordTools(
  files: ThreadFiles,
  path: string,
  conversation: string,
  tools: readonly JsonObject[],
): Promise<void> {
  const last = (await readRecording(files, path)).at(-1);
  if (last === undefined) return;
  const line: JsonObject = {
    timestamp: new Date().toISOString(),
    ordinal: last.ordinal + 1,
    type: 'dynamic_tools_updated',
    payload: { thread_id: conversation, tools },
  };
  // A line that a killed Codex did not end would take this one with it.
  const end = await files.read(path, 1, FROM_END);
  const separator = end?.bytes.toString() === '\n' ? '' : '\n';
  await files.append(path, `${separator}${JSON.stringify(line)}\n`);
}

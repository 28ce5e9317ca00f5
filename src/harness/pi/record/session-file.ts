import type { JsonObject } from '../../../domain/harness-event.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { RecordChange } from './plan.js';
import { parsePiRecord, type PiRecord } from './record.js';

/** Where session files are, below the home. */
export const SESSIONS_FOLDER = '.pi/agent/sessions';

/** A longer one counts as lost: nobody could hold it. */
const MAX_BYTES = 256 * 1024 * 1024;

/** The path of a conversation's session file below a thread's folder. */
export function toSessionPath(sessionId: string): string {
  return `home/${SESSIONS_FOLDER}/${toSessionFileName(sessionId)}`;
}

/** The name of a conversation's session file. The id is ours; one that is no name of a file gets none of its own. */
export function toSessionFileName(sessionId: string): string {
  return `${sessionId.replaceAll(/[^\w-]/g, '_')}.jsonl`;
}

/** Reads the record of a conversation; `undefined` if it is not there, or cannot be read. */
export async function readPiRecord(files: ThreadFiles, sessionId: string): Promise<PiRecord | undefined> {
  try {
    const part = await files.read(toSessionPath(sessionId), MAX_BYTES);
    return part === undefined || part.size > MAX_BYTES ? undefined : parsePiRecord(part.bytes);
  } catch (error) {
    if (error instanceof ThreadFileError) return undefined;
    throw error;
  }
}

/** Whether the record of a conversation is there. */
export async function hasPiRecord(files: ThreadFiles, sessionId: string): Promise<boolean> {
  try {
    return (await files.stat(toSessionPath(sessionId)))?.kind === 'file';
  } catch (error) {
    if (error instanceof ThreadFileError) return false;
    throw error;
  }
}

/** Begins a record with a header and entries, in the place of whatever is there. */
export async function writePiRecord(
  files: ThreadFiles,
  sessionId: string,
  lines: readonly JsonObject[],
): Promise<void> {
  await files.write(toSessionPath(sessionId), toLines(lines));
}

/** Changes a record. Also cuts off a line that a crash has cut. */
export async function changePiRecord(
  files: ThreadFiles,
  sessionId: string,
  { keep, entries }: RecordChange,
): Promise<void> {
  const path = toSessionPath(sessionId);
  await files.truncate(path, keep);
  if (entries.length > 0) await files.append(path, toLines(entries));
}

/**
 * Names another working directory in the header of a record, whose thread is a copy or has come from elsewhere: pi 1.6.0 runs its tools in the one that
 * is there (read in its `main.ts`).
 */
export async function movePiRecord(
  files: ThreadFiles,
  sessionId: string,
  header: JsonObject,
  cwd: string,
): Promise<void> {
  const part = await files.read(toSessionPath(sessionId), MAX_BYTES);
  if (part === undefined) return;
  const rest = part.bytes.subarray(part.bytes.indexOf('\n') + 1);
  await files.write(toSessionPath(sessionId), Buffer.concat([Buffer.from(toLines([{ ...header, cwd }])), rest]));
}

function toLines(lines: readonly JsonObject[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

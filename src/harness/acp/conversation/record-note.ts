import { asNumber, parseObject } from '../../../domain/json.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';

/** Beside the agents' own records, so that it is there as long as they are. */
const FOLDER = 'home/.chiron/sessions';
const MAX_BYTES = 1_000;

/** Notes that an agent has a record of this session, which some process opened at this time (milliseconds since the epoch). */
export function writeRecordNote(files: ThreadFiles, sessionId: string, openedAt: number): Promise<void> {
  return files.write(toPath(sessionId), JSON.stringify({ openedAt }));
}

/** Whether an agent has a record of this session. */
export async function hasRecordNote(files: ThreadFiles, sessionId: string): Promise<boolean> {
  return (await files.stat(toPath(sessionId)))?.kind === 'file';
}

/** When a process opened this session last; `undefined` if nobody knows. */
export async function readOpenedAt(files: ThreadFiles, sessionId: string): Promise<number | undefined> {
  try {
    const text = await files.readText(toPath(sessionId), MAX_BYTES);
    return text === undefined ? undefined : asNumber(parseObject(text)?.['openedAt']);
  } catch (error) {
    // The agent can write there, too.
    if (error instanceof ThreadFileError) return undefined;
    throw error;
  }
}

function toPath(sessionId: string): string {
  return `${FOLDER}/${encodeURIComponent(sessionId).replaceAll('.', '%2E').slice(0, 200)}`;
}

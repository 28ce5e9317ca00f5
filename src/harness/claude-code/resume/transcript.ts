import { randomUUID } from 'node:crypto';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessTurn } from '../../harness.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import { planFromTranscript } from './transcript-plan.js';
import type { TurnPlan } from './turn-plan.js';
import { asString, parseObject } from '../../../domain/json.js';

/** A conversation that Claude Code keeps on disk. */
export interface Transcript {
  /** Relative to the thread's folder. */
  readonly path: string;
  readonly sessionId: string;
  /** Its entries, oldest first: all of them, or the last {@link MAX_TRANSCRIPT_BYTES}. None when it is no plain file. */
  readonly entries: readonly JsonObject[];
}

/**
 * How much of a transcript is read, from its end, where the turn to resume is. Transcripts grow without a limit; this bounds the memory
 * of the server.
 */
const MAX_TRANSCRIPT_BYTES = 64 * 1024 * 1024;

/**
 * A transcript beyond this is not resumed: Claude Code 2.1.330 reads it from its beginning, and answers nothing for a minute on 40 GB
 * of zeros, which a command of its agent makes in no time (seen). The thread continues in a new conversation, as after a loss.
 */
const MAX_RESUMED_BYTES = 1024 * 1024 * 1024;

/** The folder of Claude Code's conversations. */
const PROJECTS = 'home/.claude/projects';

/** The project of a conversation that is written before Claude Code has run: it goes on in whichever project it is found (2.1.330, seen). */
const NEW_PROJECT = '-seeded';

/** In how many projects a transcript is looked for. Claude Code makes one for each working directory. */
const MAX_PROJECTS = 1000;

/** Backups by `cp -al` give a transcript a second hard link. Reading it is safe: only its own agent receives the contents. */
const FROM_END = { from: 'end', otherNames: true } as const;

/** A session id is a file's name here, so nothing but a UUID is looked for. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether Claude Code takes this for a session id. */
export function isSessionId(id: string): boolean {
  return UUID.test(id);
}

/**
 * Reads `<config folder>/projects/<any>/<session id>.jsonl` (Claude Code 2.1.330 names the project after the working
 * directory, which may have moved). `undefined` when there is none. Lines that are no JSON are left out.
 */
export async function readTranscript(files: ThreadFiles, sessionId: string): Promise<Transcript | undefined> {
  if (!isSessionId(sessionId)) return undefined;
  for (const project of await projectsIn(files)) {
    const path = `${PROJECTS}/${project}/${sessionId}.jsonl`;
    const text = await readTail(files, path);
    if (text !== undefined) return { path, sessionId, entries: text.split('\n').flatMap(parseEntry) };
  }
  return undefined;
}

/** Whether a resumable transcript of this conversation exists. Does not read it. */
export async function hasTranscript(files: ThreadFiles, sessionId: string): Promise<boolean> {
  if (!isSessionId(sessionId)) return false;
  for (const project of await projectsIn(files)) {
    const found = await files.stat(`${PROJECTS}/${project}/${sessionId}.jsonl`);
    if (found !== undefined) return found.size <= MAX_RESUMED_BYTES;
  }
  return false;
}

/** Whether `--resume` finds a conversation in it: 2.1.330 says "No conversation found" of one without any message. */
export function isResumable(entries: readonly JsonObject[]): boolean {
  return entries.some((entry) => entry['type'] === 'user' || entry['type'] === 'assistant');
}

/**
 * Truncates a torn last line, left by a process that died while writing. Otherwise the next entry would be appended to that line and
 * lost with it.
 */
export async function dropTornLine(files: ThreadFiles, path: string): Promise<void> {
  const part = await files.read(path, MAX_TRANSCRIPT_BYTES, FROM_END);
  if (part === undefined) return;
  const end = part.bytes.lastIndexOf('\n') + 1;
  if (end === part.bytes.length) return;
  if (parseObject(part.bytes.subarray(end).toString('utf8')) === undefined)
    await files.truncate(path, part.offset + end);
  else await files.append(path, '\n');
}

/** Removes an entry and all later ones from the transcript. Call it only while no process has the file open. */
export async function cutBefore(files: ThreadFiles, path: string, uuid: string): Promise<void> {
  const part = await files.read(path, MAX_TRANSCRIPT_BYTES, FROM_END);
  if (part === undefined) return;
  // The name is also in the entry's followers, which name it as their parent, and may be in an earlier one's text.
  for (let found = part.bytes.indexOf(uuid); found >= 0; found = part.bytes.indexOf(uuid, found + uuid.length)) {
    const [start, end] = [part.bytes.lastIndexOf('\n', found) + 1, part.bytes.indexOf('\n', found)];
    const line = part.bytes.subarray(start, end < 0 ? undefined : end).toString('utf8');
    if (parseObject(line)?.['uuid'] === uuid) return files.truncate(path, part.offset + start);
  }
}

/** Writes the transcript of a conversation that begins with these entries. The first one names no parent. */
export async function createTranscript(
  files: ThreadFiles,
  sessionId: string,
  entries: readonly JsonObject[],
): Promise<void> {
  const lines = stampEntries(entries.map((entry) => ({ parentUuid: null, isSidechain: false, ...entry, sessionId })));
  await files.write(`${PROJECTS}/${NEW_PROJECT}/${sessionId}.jsonl`, lines);
}

/** Plans how to resume a turn of an earlier process, from its transcript and the logged events. */
export function planTurn(transcript: Transcript, turn: HarnessTurn, shape: SchemaWrapping | undefined): TurnPlan {
  return planFromTranscript(transcript.entries, turn, shape);
}

/**
 * Appends entries that a dead process did not write: its emitted blocks, and results for its aborted tool calls, so that Claude Code
 * neither reruns nor loses them. An entry without a `uuid` gets one.
 */
export async function appendEntries(
  files: ThreadFiles,
  transcript: Transcript,
  entries: readonly JsonObject[],
): Promise<void> {
  if (entries.length > 0) await files.append(transcript.path, stampEntries(entries));
}

/** The lines of new entries. The first one keeps its parent, each other one stands behind the one before it. */
function stampEntries(entries: readonly JsonObject[]): string {
  let parent: string | undefined;
  const lines = entries.map((entry) => {
    const uuid = asString(entry['uuid']) ?? randomUUID();
    const stamped = { ...entry, uuid, timestamp: new Date().toISOString() };
    const line = JSON.stringify(parent === undefined ? stamped : { ...stamped, parentUuid: parent });
    parent = uuid;
    return `${line}\n`;
  });
  return lines.join('');
}

async function projectsIn(files: ThreadFiles): Promise<readonly string[]> {
  return files.list(PROJECTS, MAX_PROJECTS).catch(noneWhenRefused([]));
}

/** The end of a transcript. One that is no plain file, or too long to be resumed, holds nothing, but its name is taken. */
async function readTail(files: ThreadFiles, path: string): Promise<string | undefined> {
  const part = await files.read(path, MAX_TRANSCRIPT_BYTES, FROM_END).catch(noneWhenRefused('refused'));
  if (part === 'refused' || (part !== undefined && part.size > MAX_RESUMED_BYTES)) return '';
  return part?.bytes.toString('utf8');
}

function noneWhenRefused<const None>(none: None): (error: unknown) => None {
  return (error) => {
    if (error instanceof ThreadFileError) return none;
    throw error;
  };
}

function parseEntry(line: string): readonly JsonObject[] {
  const entry = parseObject(line);
  return entry === undefined ? [] : [entry];
}

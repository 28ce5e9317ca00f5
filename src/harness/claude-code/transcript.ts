import { randomUUID } from 'node:crypto';
import { appendFile, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { HarnessTurn } from '../harness.js';
import type { JsonObject } from '../harness-event.js';
import type { AnswerShape } from './structured-output.js';
import { analyse } from './transcript-plan.js';
import type { TurnPlan } from './transcript-plan.js';
import { textOfFile } from '../instructions.js';
import { parseObject } from '../json.js';

/** A conversation that Claude Code keeps on disk. */
export interface Transcript {
  readonly path: string;
  readonly sessionId: string;
  /** Its entries, oldest first. */
  readonly entries: readonly JsonObject[];
}

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
export async function readTranscript(configFolder: string, sessionId: string): Promise<Transcript | undefined> {
  if (!isSessionId(sessionId)) return undefined;
  const projects = join(configFolder, 'projects');
  for (const project of await namesIn(projects)) {
    const path = join(projects, project, `${sessionId}.jsonl`);
    const text = await textOfFile(path);
    if (text !== undefined) {
      return { path, sessionId, entries: text.split('\n').flatMap(entryOf) };
    }
  }
  return undefined;
}

/** Whether `--resume` finds a conversation in it: 2.1.330 says "No conversation found" of one without any message. */
export function isResumable(transcript: Transcript): boolean {
  return transcript.entries.some((entry) => entry['type'] === 'user' || entry['type'] === 'assistant');
}

/**
 * Cuts off a last line that its process died while writing. Without this, the next entry would be written into that line, and
 * be lost with it.
 */
export async function dropTornLine(path: string): Promise<void> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end === bytes.length) return;
  if (parseObject(bytes.subarray(end).toString('utf8')) === undefined) await truncate(path, end);
  else await appendFile(path, '\n');
}

/** What is to be done about a turn that an earlier process has begun, as far as its transcript and what it said tell. */
export function planTurn(transcript: Transcript, turn: HarnessTurn, shape: AnswerShape | undefined): TurnPlan {
  return analyse(transcript.entries, turn.id, turn.said ?? [], shape);
}

/**
 * Writes down what a dead process did not: what it had said, and answers to the tool calls that died with it, so that Claude Code
 * neither runs them again nor forgets them.
 */
export async function appendEntries(transcript: Transcript, entries: readonly JsonObject[]): Promise<void> {
  if (entries.length === 0) return;
  let parent: string | undefined;
  const lines = entries.map((entry) => {
    const uuid = randomUUID();
    const stamped = { ...entry, uuid, timestamp: new Date().toISOString() };
    // The first one stands behind what is there, the others behind one another.
    const line = JSON.stringify(parent === undefined ? stamped : { ...stamped, parentUuid: parent });
    parent = uuid;
    return `${line}\n`;
  });
  await appendFile(transcript.path, lines.join(''));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(undefinedWhenMissing)) ?? [];
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

function entryOf(line: string): readonly JsonObject[] {
  const entry = parseObject(line);
  return entry === undefined ? [] : [entry];
}

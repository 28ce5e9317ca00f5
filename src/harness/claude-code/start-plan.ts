import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { join } from 'node:path';
import type { HarnessThread, HarnessTurn } from '../harness.js';
import { instructionsOf } from '../instructions.js';
import type { Conversation } from './command-line.js';
import type { AnswerShape } from './structured-output.js';
import { appendEntries, dropTornLine, isResumable, isSessionId, planTurn, readTranscript } from './transcript.js';
import type { TurnPlan } from './transcript-plan.js';

/** The file with what is appended to the system prompt, where the server writes for the agent. */
const INSTRUCTIONS_FILE = 'instructions.md';

/** With what a new process begins. */
export interface StartPlan {
  readonly conversation: Conversation;
  readonly turn: TurnPlan;
}

/** The folder in which Claude Code keeps a thread's conversations. */
export function configFolderOf({ folders }: HarnessThread): string {
  return join(folders.home, '.claude');
}

/**
 * Finds the conversation to resume, and how far an earlier attempt of the turn came in it; what that did not write down is
 * added. `sessionId` is Claude Code's name of the conversation, once it has one, and `shape` that of the answer, if the turn has
 * to end with one of a schema. Rejects when a transcript is there and cannot be read or written.
 */
export async function planStart(
  thread: HarnessThread,
  sessionId: string | undefined,
  turn: HarnessTurn,
  shape: AnswerShape | undefined,
): Promise<StartPlan> {
  const known = sessionId ?? (isSessionId(thread.id) ? thread.id : randomUUID());
  const transcript = await readTranscript(thread.files, known);
  if (transcript === undefined || !isResumable(transcript)) {
    // A file without a conversation cannot be resumed, and still makes its id "already in use" (2.1.330).
    const fresh = sessionId !== undefined || transcript !== undefined || !isSessionId(known);
    return { conversation: { kind: 'new', sessionId: fresh ? randomUUID() : known }, turn: { kind: 'prompt' } };
  }
  await dropTornLine(thread.files, transcript.path);
  const plan: TurnPlan = turn.attempt > 1 ? planTurn(transcript, turn, shape) : { kind: 'prompt' };
  if (plan.kind !== 'prompt') await appendEntries(thread.files, transcript, plan.entries);
  return { conversation: { kind: 'resume', sessionId: known }, turn: plan };
}

/** Writes what is appended to the system prompt into a file, and tells its path; `undefined` when there is nothing. */
export async function writeInstructions(
  thread: HarnessThread,
  logger: Pick<Logger, 'warn'>,
): Promise<string | undefined> {
  const text = await instructionsOf(thread, logger);
  if (text === undefined) return undefined;
  await thread.files.write(`server/${INSTRUCTIONS_FILE}`, text);
  return join(thread.folders.server, INSTRUCTIONS_FILE);
}

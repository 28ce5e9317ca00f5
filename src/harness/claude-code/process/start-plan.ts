import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { join } from 'node:path';
import type { HarnessThread, HarnessTurn } from '../../harness.js';
import { loadInstructions } from '../../instructions.js';
import { prependRefusal, type RefusedCall } from '../../../domain/provider-refusal.js';
import type { ClaudeConversation } from './command-line.js';
import { refusedTail } from '../resume/refused-tail.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import {
  appendEntries,
  cutBefore,
  dropTornLine,
  isResumable,
  isSessionId,
  planTurn,
  readTranscript,
} from '../resume/transcript.js';
import type { TurnPlan } from '../resume/transcript-plan.js';

/** The file with what is appended to the system prompt, where the server writes for the agent. */
const INSTRUCTIONS_FILE = 'instructions.md';

/** With what a new process begins. */
export interface StartPlan {
  readonly conversation: ClaudeConversation;
  readonly turn: TurnPlan;
  /** The conversation that the thread had is not there. */
  readonly isLost: boolean;
  /** What the agent did in turns that were taken out of the conversation, as they were refused. */
  readonly refusedCalls: readonly RefusedCall[];
}

/** What is known of a thread's conversation besides what its files hold. */
export interface ConversationHint {
  /** Claude Code's name of it, once it has one. */
  readonly sessionId: string | undefined;
  /** Its last turn, if that was refused. */
  readonly refusedTurn: string | undefined;
}

/** The folder in which Claude Code keeps a thread's conversations. */
export function findConfigFolder({ folders }: HarnessThread): string {
  return join(folders.home, '.claude');
}

/**
 * Finds the conversation to resume, and how far an earlier attempt of the turn came in it; what that did not write down is
 * added, and turns at its end that the model provider refused are taken out. `shape` is that of the answer, if the turn has to end
 * with one of a schema. Rejects when a transcript is there and cannot be read or written.
 */
export async function planStart(
  thread: HarnessThread,
  { sessionId, refusedTurn }: ConversationHint,
  turn: HarnessTurn,
  shape: SchemaWrapping | undefined,
): Promise<StartPlan> {
  const known = sessionId ?? (isSessionId(thread.id) ? thread.id : randomUUID());
  const transcript = await readTranscript(thread.files, known);
  if (transcript === undefined || !isResumable(transcript.entries)) {
    // A file without a conversation cannot be resumed, and still makes its id "already in use" (2.1.330).
    const isFresh = sessionId !== undefined || transcript !== undefined || !isSessionId(known);
    return { ...newPlan(isFresh ? randomUUID() : known), isLost: sessionId !== undefined };
  }
  await dropTornLine(thread.files, transcript.path);
  const plan: TurnPlan = turn.attempt > 1 ? planTurn(transcript, turn, shape) : { kind: 'prompt' };
  const resumed: StartPlan = { ...newPlan(known), conversation: { kind: 'resume', sessionId: known }, turn: plan };
  if (plan.kind !== 'prompt') {
    await appendEntries(thread.files, transcript, plan.entries);
    return resumed;
  }
  const refused = refusedTail(transcript.entries, refusedTurn);
  if (refused === undefined) return resumed;
  await cutBefore(thread.files, transcript.path, refused.from);
  const from = transcript.entries.findIndex((entry) => entry['uuid'] === refused.from);
  const isResumed = isResumable(transcript.entries.slice(0, from));
  return { ...(isResumed ? resumed : newPlan(randomUUID())), refusedCalls: refused.calls };
}

function newPlan(sessionId: string): StartPlan {
  return { conversation: { kind: 'new', sessionId }, turn: { kind: 'prompt' }, isLost: false, refusedCalls: [] };
}

/** Adds to a turn what the conversation of the new process lacks: refused calls, and earlier turns. */
export async function withMissingContext(
  { conversation, refusedCalls }: StartPlan,
  turn: HarnessTurn,
): Promise<HarnessTurn> {
  const prompt = prependRefusal(refusedCalls, turn.prompt);
  const recalled = conversation.kind === 'new' && turn.seed === undefined ? await turn.recall?.() : undefined;
  return { ...turn, prompt, ...(recalled === undefined ? {} : { seed: recalled }) };
}

/** Writes what is appended to the system prompt into a file, and returns its path; `undefined` when there is nothing. */
export async function writeInstructions(
  thread: HarnessThread,
  logger: Pick<Logger, 'warn'>,
): Promise<string | undefined> {
  const text = await loadInstructions(thread, logger);
  if (text === undefined) return undefined;
  await thread.files.write(`server/${INSTRUCTIONS_FILE}`, text);
  return join(thread.folders.server, INSTRUCTIONS_FILE);
}

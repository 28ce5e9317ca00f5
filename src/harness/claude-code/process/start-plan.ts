import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { join } from 'node:path';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { FurtherMessage, HarnessThread, HarnessTurn } from '../../harness.js';
import { loadInstructions } from '../../instructions.js';
import { recallTurn } from '../../lost-turn.js';
import { toResultsPrompt } from '../../prompt/results-prompt.js';
import { prependRefusal, type RefusedCall } from '../../../domain/provider-refusal.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { ClaudeConversation } from './command-line.js';
import { dropTurns, findTurn, restoreCalls, seedRecord } from '../resume/record-changes.js';
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
  type Transcript,
} from '../resume/transcript.js';
import { toFurtherUuid, type TurnPlan } from '../resume/turn-plan.js';

/** The file with what is appended to the system prompt, where the server writes for the agent. */
const INSTRUCTIONS_FILE = 'instructions.md';

/** With what a new process begins. */
export interface StartPlan {
  readonly conversation: ClaudeConversation;
  readonly turn: TurnPlan;
  /** Further messages of the turn that are not in the conversation; Claude Code is given them again. */
  readonly furtherMessages: readonly FurtherMessage[];
  /** The conversation that the thread had is not there. */
  readonly isLost: boolean;
  /** Replaces that of the turn, for an agent that has done a part of it and has no record of that. */
  readonly prompt?: Prompt;
  /** Whether the record became another one for this turn: a process that has read it before does not know that. */
  readonly changesRecord: boolean;
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
 * Finds the conversation to resume, and how far an earlier attempt of the turn came in it. The record becomes what the turn starts from: dropped
 * turns, and turns at its end that the model provider refused, are taken out; a seed, results of the caller's tools, and what an earlier
 * attempt did not write down are added. `shape` is that of the answer, if the turn has to end with one of a schema. Rejects when a
 * transcript is there and cannot be read or written.
 */
export async function planStart(
  thread: HarnessThread,
  { sessionId, refusedTurn }: ConversationHint,
  turn: HarnessTurn,
  shape: SchemaWrapping | undefined,
  logger: Pick<Logger, 'warn'>,
): Promise<StartPlan> {
  const { files } = thread;
  const known = sessionId ?? (isSessionId(thread.id) ? thread.id : randomUUID());
  const found = await readTranscript(files, known);
  if (found === undefined || !isResumable(found.entries)) {
    // A file without a conversation cannot be resumed, and still makes its id "already in use" (2.1.330).
    const isFresh = sessionId !== undefined || found !== undefined || !isSessionId(known);
    const plan = { ...newPlan(isFresh ? randomUUID() : known, turn.furtherMessages), isLost: sessionId !== undefined };
    const { seed, prompt } = await recallTurn(turn);
    return addSeed(files, undefined, { ...turn, seed, prompt }, { ...plan, prompt });
  }
  await dropTornLine(files, found.path);
  const left = await dropTurns(files, found, turn, logger);
  if (left === undefined) return addSeed(files, undefined, turn, newPlan(known, turn.furtherMessages));
  const transcript = await restoreCalls(files, left, turn);
  const isPlanned = turn.attempt > 1 || turn.toolResults !== undefined;
  const plan: TurnPlan = isPlanned ? planTurn(transcript, turn, shape) : { kind: 'prompt' };
  const { furtherMessages = [] } = turn;
  const isHeard = (message: FurtherMessage): boolean => findTurn(transcript.entries, toFurtherUuid(message)) >= 0;
  const heard = furtherMessages.filter(isHeard).map(({ id }): HarnessEvent => ({ type: 'user-message', id }));
  const resumed: StartPlan = {
    ...newPlan(
      known,
      furtherMessages.filter((message) => !isHeard(message)),
    ),
    conversation: { kind: 'resume', sessionId: known },
    changesRecord: turn.dropFrom !== undefined || turn.toolResults !== undefined,
    turn: plan.kind === 'prompt' ? plan : { ...plan, events: [...heard, ...plan.events] },
  };
  if (plan.kind !== 'prompt') {
    if (plan.cutFrom !== undefined) await cutBefore(files, transcript.path, plan.cutFrom);
    await appendEntries(files, transcript, plan.entries);
    return resumed;
  }
  const refused = refusedTail(transcript.entries, refusedTurn);
  if (refused === undefined) return addSeed(files, transcript, turn, resumed);
  await cutBefore(files, transcript.path, refused.from);
  const from = transcript.entries.findIndex((entry) => entry['uuid'] === refused.from);
  const kept = { ...transcript, entries: transcript.entries.slice(0, from) };
  return isResumable(kept.entries)
    ? addSeed(files, kept, turn, { ...resumed, changesRecord: true, refusedCalls: refused.calls })
    : addSeed(files, undefined, turn, { ...newPlan(randomUUID(), turn.furtherMessages), refusedCalls: refused.calls });
}

/** Writes the turn's seed, or else the stored turns that a new record lacks, into the record with which the plan begins. */
async function addSeed(
  files: ThreadFiles,
  transcript: Transcript | undefined,
  turn: HarnessTurn,
  plan: StartPlan,
): Promise<StartPlan> {
  const { sessionId, kind } = plan.conversation;
  const seed = turn.seed ?? (kind === 'new' ? await turn.recall?.() : undefined) ?? [];
  if (seed.length === 0) return plan;
  const hasPrompt = await seedRecord(files, transcript, sessionId, { ...turn, seed });
  return {
    ...plan,
    conversation: { kind: 'resume', sessionId },
    changesRecord: true,
    turn: hasPrompt ? { kind: 'continue', entries: [], events: [] } : plan.turn,
  };
}

function newPlan(sessionId: string, furtherMessages: readonly FurtherMessage[] = []): StartPlan {
  return {
    conversation: { kind: 'new', sessionId },
    turn: { kind: 'prompt' },
    furtherMessages,
    isLost: false,
    changesRecord: false,
    refusedCalls: [],
  };
}

/**
 * Finds the conversation that a process is started with before its first turn; `undefined` if only the turn can say that. Rejects when a
 * transcript is there and cannot be read or written.
 */
export async function planEarlyStart(
  { id, files }: HarnessThread,
  sessionId: string | undefined,
): Promise<ClaudeConversation | undefined> {
  if (sessionId === undefined) return isSessionId(id) ? { kind: 'new', sessionId: id } : undefined;
  const found = await readTranscript(files, sessionId);
  if (found === undefined || !isResumable(found.entries)) return undefined;
  await dropTornLine(files, found.path);
  return { kind: 'resume', sessionId };
}

/** The plan of a process without a turn. */
export function toEarlyPlan(conversation: ClaudeConversation): StartPlan {
  return { ...newPlan(conversation.sessionId), conversation };
}

/**
 * Adds to a turn what the conversation of the new process lacks: refused calls, and results of calls that it does not have. Rejects when the log
 * cannot be read.
 */
export async function withMissingContext(
  { refusedCalls, prompt }: Pick<StartPlan, 'refusedCalls' | 'prompt'>,
  turn: HarnessTurn,
): Promise<HarnessTurn> {
  const own = prompt === undefined ? turn : { ...turn, prompt };
  return { ...own, prompt: prependRefusal(refusedCalls, await toResultsPrompt(own)) };
}

/**
 * Writes what is appended to the system prompt into a file, and returns its path; `undefined` when there is nothing, or when it comes later,
 * as for a spare process.
 */
export async function writeInstructions(
  thread: HarnessThread,
  logger: Pick<Logger, 'warn'>,
): Promise<string | undefined> {
  const text = thread.isSpare === true ? undefined : await loadInstructions(thread, logger);
  if (text === undefined) return undefined;
  await thread.files.write(`server/${INSTRUCTIONS_FILE}`, text);
  return join(thread.folders.server, INSTRUCTIONS_FILE);
}

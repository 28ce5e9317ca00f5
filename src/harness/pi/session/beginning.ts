import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import { prependRefusal } from '../../../domain/provider-refusal.js';
import type { SeedMessage } from '../../../domain/seed/seed-message.js';
import type { FurtherMessage, HarnessThread, HarnessTurn } from '../../harness.js';
import { recallTurn } from '../../lost-turn.js';
import { toPiInput } from '../process/input.js';
import { toMessageEntries, toPiHeader } from '../record/entries.js';
import { PI_GO_ON, type PiPlan, planPiTurn } from '../record/plan.js';
import type { PiRecord } from '../record/record.js';
import { toPiSeed } from '../record/seed.js';
import { changePiRecord, movePiRecord, readPiRecord, writePiRecord } from '../record/session-file.js';
import { asString } from '../../../domain/json.js';
import { uploadFolder, writeUploads } from '../../prompt/uploads.js';

type BegunThread = Pick<HarnessThread, 'files' | 'folders'>;

/** How a turn begins. */
export type PiBeginning =
  | {
      readonly kind: 'prompt';
      /** What the record tells of earlier attempts. */
      readonly events: readonly HarnessEvent[];
      readonly prompt: Prompt;
      /** Messages of earlier attempts that the agent has not heard. */
      readonly further: readonly FurtherMessage[];
      /** Whether the conversation was lost. */
      readonly isLost: boolean;
    }
  /** The turn is over: `events` end it. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/** A beginning, and what has to be done to the record while no process has it open; `undefined` for nothing. */
export interface PreparedBeginning {
  readonly beginning: PiBeginning;
  readonly change: (() => Promise<void>) | undefined;
}

/**
 * Reads how a turn begins from the record of its conversation. Rejects when the files or the store cannot be read.
 *
 * @param isNew whether the conversation is a new one, which has no record
 */
export async function prepareBeginning(
  thread: BegunThread,
  sessionId: string,
  turn: HarnessTurn,
  isNew: boolean,
): Promise<PreparedBeginning> {
  const record = await readPiRecord(thread.files, sessionId);
  if (record === undefined) return beginNew(thread, sessionId, turn, isNew);
  const facts = {
    further: turn.furtherMessages ?? [],
    toText: ({ prompt }: FurtherMessage) => toPiInput(prompt, uploadFolder(thread)).message,
    countedCalls: (turn.priorEvents ?? []).filter(({ type }) => type === 'model-call-end').length,
  };
  const plan = planPiTurn(record, turn, facts, Date.now());
  switch (plan.kind) {
    case 'ended':
      return { beginning: plan, change: undefined };
    case 'go-on': {
      const further = facts.further.filter(({ id }) => !plan.heard.has(id));
      const prompt: Prompt = [{ type: 'text', text: PI_GO_ON }];
      const change = toChange(thread, sessionId, record, plan);
      return { beginning: { kind: 'prompt', events: plan.events, prompt, further, isLost: false }, change };
    }
    case 'prompt': {
      // Its record is older than the turn: what it has done is told it.
      const known = plan.isUnknown ? await recallTurn({ ...turn, seed: turn.seed ?? [] }) : undefined;
      const { seed, prompt } = known ?? { seed: turn.seed ?? [], prompt: turn.prompt };
      return {
        beginning: {
          ...{ kind: 'prompt', events: [], prompt: prependRefusal(plan.refused, prompt) },
          ...{ further: facts.further, isLost: false },
        },
        change: toChange(thread, sessionId, record, plan, seed),
      };
    }
    default:
      return plan satisfies never;
  }
}

/** Begins a conversation without a record: with what the store remembers of it. */
async function beginNew(
  thread: BegunThread,
  sessionId: string,
  turn: HarnessTurn,
  isNew: boolean,
): Promise<PreparedBeginning> {
  const { seed, prompt } = await recallTurn(turn);
  const { messages, uploads } = toPiSeed(seed, uploadFolder(thread));
  const isLost = !isNew;
  const beginning: PiBeginning = { kind: 'prompt', events: [], prompt, further: turn.furtherMessages ?? [], isLost };
  if (messages.length === 0 && isNew) return { beginning, change: undefined };
  return {
    beginning,
    change: async () => {
      const now = Date.now();
      await writeUploads(thread.files, uploads);
      await writePiRecord(thread.files, sessionId, [
        toPiHeader(sessionId, thread.folders.workspace, now),
        ...toMessageEntries(messages, { parentId: null, now }),
      ]);
    },
  };
}

function toChange(
  thread: BegunThread,
  sessionId: string,
  record: PiRecord,
  { change }: Exclude<PiPlan, { readonly kind: 'ended' }>,
  seed: readonly SeedMessage[] = [],
): (() => Promise<void>) | undefined {
  const isMoved = record.header['cwd'] !== thread.folders.workspace;
  const isSame = change.keep === record.size && change.entries.length === 0 && seed.length === 0;
  if (isSame && !isMoved) return undefined;
  const last = record.entries.findLast(({ start }) => start < change.keep);
  const { messages, uploads } = toPiSeed(seed, uploadFolder(thread));
  return async () => {
    const parentId = asString(last?.fields['id']) ?? null;
    const seeded = toMessageEntries(messages, { parentId, now: Date.now() });
    await writeUploads(thread.files, uploads);
    await changePiRecord(thread.files, sessionId, { keep: change.keep, entries: [...change.entries, ...seeded] });
    if (isMoved) await movePiRecord(thread.files, sessionId, record.header, thread.folders.workspace);
  };
}

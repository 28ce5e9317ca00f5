import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { isRefusal, type RefusedCall } from '../../../domain/provider-refusal.js';
import type { HarnessTurn } from '../../harness.js';
import { readUserText, toPiResult } from '../decode/content.js';
import { toPiEnd, toPiStop } from '../decode/stop.js';
import { asString } from '../../../domain/json.js';
import { resultMessage, toMessageEntries } from './entries.js';
import { findRecordedTurns, messageOf, type PiEntry, type PiRecord, type RecordedTurn } from './record.js';
import { callsIn, replayTurn, type ReplayFacts } from './replay.js';

/** What an agent is told whose process was stopped in the middle of a turn. */
export const PI_GO_ON =
  'Your process was stopped in the middle of this turn. What you said and did until then is above. Go on from there. ' +
  'Do not repeat what has had its effect.';

const LOST_RESULT = "The agent's process died while this tool ran; it may have taken effect, and it was not run again.";

/** What is done to a session file before pi opens it: first the cut, then the entries. */
export interface RecordChange {
  /** The length that is kept, in bytes. */
  readonly keep: number;
  readonly entries: readonly JsonObject[];
}

/** How a turn begins. */
export type PiPlan =
  /** The record lacks the prompt. */
  | {
      readonly kind: 'prompt';
      readonly change: RecordChange;
      /** What the agent did in refused turns that are taken out. */
      readonly refused: readonly RefusedCall[];
      /** Whether the record does not know this turn, though an earlier attempt has run it. */
      readonly isUnknown: boolean;
    }
  /** The turn is unfinished: pi is asked to go on. */
  | {
      readonly kind: 'go-on';
      readonly change: RecordChange;
      readonly events: readonly HarnessEvent[];
      readonly heard: ReadonlySet<string>;
    }
  /** The turn had ended, but its end was not logged. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/** The fields of a turn that its plan depends on. */
export type PlannedPiTurn = Pick<HarnessTurn, 'id' | 'attempt' | 'dropFrom'>;

/** Plans a turn from the record of its conversation. */
export function planPiTurn(record: PiRecord, turn: PlannedPiTurn, facts: ReplayFacts, now: number): PiPlan {
  const turns = findRecordedTurns(record);
  const known = turn.attempt > 1 ? turns.find(({ id }) => id === turn.id) : undefined;
  const resumed = known === undefined ? undefined : resumeTurn(record, known, facts, now);
  if (resumed !== undefined) return resumed;
  const dropped = turns.findIndex(({ id }) => id === (known?.id ?? turn.dropFrom));
  const kept = dropped < 0 ? turns : turns.slice(0, dropped);
  const begin = dropped < 0 ? record.size : (turns[dropped]?.start ?? record.size);
  const refused = findRefused(kept);
  return {
    kind: 'prompt',
    change: { keep: refused[0]?.start ?? begin, entries: [] },
    refused: refused.flatMap(({ entries }) => callsOf(entries)),
    isUnknown: turn.attempt > 1 && known === undefined,
  };
}

/** `undefined` for a turn of which the model has said nothing yet: it begins anew. */
function resumeTurn(record: PiRecord, { entries }: RecordedTurn, facts: ReplayFacts, now: number): PiPlan | undefined {
  const answers = entries.filter((entry) => isAnswer(messageOf(entry, 'assistant')));
  if (answers.length === 0) return undefined;
  const { events, heard, unanswered } = replayTurn(entries, facts);
  const end = unanswered.length > 0 ? undefined : findEnd(entries);
  if (end !== undefined) return { kind: 'ended', events: [...events, end] };
  const content = [{ type: 'text', text: LOST_RESULT }];
  const results = unanswered.map((call) => resultMessage(call, content, true));
  const parentId = asString(record.entries.at(-1)?.fields['id']) ?? null;
  return {
    kind: 'go-on',
    change: { keep: record.size, entries: toMessageEntries(results, { parentId, now }) },
    events: [...events, ...unanswered.map(({ id }) => toPiResult(id, content, true))],
    heard,
  };
}

/** A message of the model that has said something. */
function isAnswer(message: JsonObject | undefined): boolean {
  return Array.isArray(message?.['content']) && message['content'].length > 0;
}

/** The end of a turn whose last message is the model's, which wants nothing more. A failure is tried again. */
function findEnd(entries: readonly PiEntry[]): HarnessEvent | undefined {
  const last = entries.findLast((entry) => ['user', 'assistant', 'toolResult'].includes(roleOf(entry)));
  const message = last === undefined ? undefined : messageOf(last, 'assistant');
  if (message === undefined || !['stop', 'length'].includes(asString(message['stopReason']) ?? '')) return undefined;
  return toPiEnd(toPiStop(message), false);
}

function roleOf(entry: PiEntry): string {
  if (messageOf(entry, 'user') !== undefined) return 'user';
  if (messageOf(entry, 'assistant') !== undefined) return 'assistant';
  return messageOf(entry, 'toolResult') === undefined ? '' : 'toolResult';
}

/** The newest turns, if the model provider refused their content: it would be asked again with the next prompt. */
function findRefused(turns: readonly RecordedTurn[]): readonly RecordedTurn[] {
  const accepted = turns.findLastIndex(({ entries }) => !isRefused(entries));
  return turns.slice(accepted + 1);
}

function isRefused(entries: readonly PiEntry[]): boolean {
  const message = entries.map((entry) => messageOf(entry, 'assistant')).findLast((each) => each !== undefined);
  const end = message === undefined ? undefined : toPiEnd(toPiStop(message), false);
  return end?.type === 'turn-failed' && isRefusal(end.kind);
}

function callsOf(entries: readonly PiEntry[]): readonly RefusedCall[] {
  return entries.flatMap((entry) => callsIn(messageOf(entry, 'assistant') ?? {}));
}

/** Which of these texts the newest turn has heard, in their order. */
export function findHeardTexts({ entries }: RecordedTurn): readonly string[] {
  return entries.flatMap((entry) => {
    const message = messageOf(entry, 'user');
    return message === undefined ? [] : [readUserText(message)];
  });
}

import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';

/** One line of a session file of pi. */
export interface PiEntry {
  readonly fields: JsonObject;
  /** Where its line begins in the file, in bytes. */
  readonly start: number;
}

/** A session file of pi: its header is no entry. The entries are a line of parents and children, as Chiron never branches. */
export interface PiRecord {
  readonly header: JsonObject;
  readonly entries: readonly PiEntry[];
  /** Bytes of the whole lines; a line that was cut off by a crash comes after them. */
  readonly size: number;
}

/** The entries of one of our turns. */
export interface RecordedTurn {
  readonly id: string;
  /** Where its mark begins in the file, in bytes. */
  readonly start: number;
  /** What follows its mark. */
  readonly entries: readonly PiEntry[];
}

/** How a turn is marked in a session file: by a name of the session, which pi itself records before the prompt and shows to no model (1.6.0, seen). */
const MARK = 'chiron turn ';
const LINE_FEED = 0x0a;

/** The name of the session while a turn runs, which marks the turn in the session file. */
export function toPiTurnMark(turnId: string): string {
  return `${MARK}${turnId}`;
}

/** Parses a session file. Lines that are no JSON are passed over, as pi does; `undefined` for a file without a header. */
export function parsePiRecord(bytes: Buffer): PiRecord | undefined {
  const entries: PiEntry[] = [];
  let header: JsonObject | undefined;
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    const fields = parseObject(bytes.toString('utf8', start, end));
    if (fields?.['type'] === 'session') header ??= fields;
    else if (fields !== undefined) entries.push({ fields, start });
    start = end + 1;
  }
  return header === undefined ? undefined : { header, entries, size: start };
}

/** The turns of a session file, in order. Entries before the first mark belong to none. */
export function findRecordedTurns({ entries }: PiRecord): readonly RecordedTurn[] {
  const turns: { readonly id: string; readonly start: number; readonly entries: PiEntry[] }[] = [];
  for (const entry of entries) {
    const name = entry.fields['type'] === 'session_info' ? (asString(entry.fields['name']) ?? '') : '';
    if (name.startsWith(MARK)) turns.push({ id: name.slice(MARK.length), start: entry.start, entries: [] });
    else turns.at(-1)?.entries.push(entry);
  }
  return turns;
}

/** The message of an entry, by its role; `undefined` for an entry of another kind or role. */
export function messageOf({ fields }: PiEntry, role: 'user' | 'assistant' | 'toolResult'): JsonObject | undefined {
  const message = asObject(fields['message']);
  return fields['type'] === 'message' && message['role'] === role ? message : undefined;
}

import { asArray, asObject, asString, asStrings, parseObject } from '../../../domain/json.js';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';

/** Where the agent cannot write. */
const PATH = 'server/codex.json';
const MAX_BYTES = 1024 * 1024;
/** A turn further back than so many turns with results is not found any more. */
const MAX_MARKS = 1_000;

/** What the server has to remember of a conversation and Codex does not record in a form that can be read cheaply. */
export interface ConversationNotes {
  readonly conversation: string;
  /** Identifies the caller's tools that the conversation has; empty for none, `undefined` if it is not known. */
  readonly toolsKey: string | undefined;
  /** Whether its tools have changed since it began: an earlier part of it has other ones. */
  readonly hasChanged: boolean;
  /** Turns that began with results of the caller's tools, and have no user message, with the ids of the calls. */
  readonly marks: readonly TurnMark[];
}

/** Where a turn with results begins: after the calls. */
export interface TurnMark {
  readonly turnId: string;
  readonly callIds: readonly string[];
}

/** The notes of a conversation; fresh ones if there are none, or they are of another conversation. */
export async function readNotes(files: ThreadFiles, conversation: string): Promise<ConversationNotes> {
  const fields = parseObject((await files.readText(PATH, MAX_BYTES)) ?? '');
  if (fields === undefined || fields['conversation'] !== conversation) return freshNotes(conversation, '');
  return {
    conversation,
    toolsKey: asString(fields['toolsKey']),
    hasChanged: fields['hasChanged'] === true,
    marks: asArray(fields['marks'])
      .map(asObject)
      .map((mark) => ({ turnId: asString(mark['turnId']) ?? '', callIds: asStrings(mark['callIds']) })),
  };
}

/** The notes of a conversation with these tools. */
export function freshNotes(conversation: string, toolsKey: string | undefined): ConversationNotes {
  return { conversation, toolsKey, hasChanged: false, marks: [] };
}

/** Adds the mark of a turn. */
export function withMark(notes: ConversationNotes, mark: TurnMark): ConversationNotes {
  const others = notes.marks.filter(({ turnId }) => turnId !== mark.turnId);
  return { ...notes, marks: [...others, mark].slice(-MAX_MARKS) };
}

/** The calls with whose results a turn began; `undefined` if it began otherwise. */
export function callIdsOf(notes: ConversationNotes | undefined, turnId: string): readonly string[] | undefined {
  return notes?.marks.find((mark) => mark.turnId === turnId)?.callIds;
}

/** Removes the marks of a turn and of all later ones. */
export function withoutMarksFrom(notes: ConversationNotes, turnId: string): ConversationNotes {
  const place = notes.marks.findIndex((mark) => mark.turnId === turnId);
  return place < 0 ? notes : { ...notes, marks: notes.marks.slice(0, place) };
}

/** Keeps the notes. */
export async function writeNotes(files: ThreadFiles, notes: ConversationNotes): Promise<void> {
  await files.write(PATH, JSON.stringify(notes));
}

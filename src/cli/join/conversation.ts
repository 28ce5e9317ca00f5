import { isJsonObject } from '../../domain/json.js';
import type { FileBlock } from '../../domain/file-block.js';
import type { PromptBlock } from '../../domain/prompt.js';
import { countChars } from '../../domain/seed/arrange-seed.js';

/** A turn of the history of a thread, as `GET /api/session/{key}/history?tool_blocks=text` gives it. */
export interface ReadTurn {
  readonly sequence: number;
  readonly execution_id: string;
  readonly status: string;
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly prompt: readonly unknown[];
  readonly answer: readonly unknown[];
  readonly error: string | null;
}

/** A block of what the user said as a transcript has it: no client shows files of the server, whose names are texts. */
export type ShownBlock = Exclude<PromptBlock, FileBlock>;

/** A turn as a client shows it. */
export interface ShownTurn {
  readonly sequence: number;
  /** Unique, for ids of what is written. */
  readonly id: string;
  /** When it began and ended, in ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** What the user said; not empty. */
  readonly prompt: readonly ShownBlock[];
  /** What the agent said and did, in paragraphs; not empty. */
  readonly answer: readonly string[];
}

/**
 * How much of a conversation is written, in characters: more would fill the context of a client's model, which then compacts it. The agent has
 * its own record, whole.
 */
const MAX_CHARS = 200_000;

/** Whether this much of a history, the newest turn first, is more than is written. */
export function isEnoughHistory(turns: readonly ReadTurn[]): boolean {
  return countAllChars(turns.flatMap(toShownTurn)) > MAX_CHARS;
}

/**
 * Makes the conversation that a client shows, oldest turn first: of a long one only the newest turns. A turn without words of the user, in which
 * the agent goes on with results of tools, belongs to the one before.
 *
 * @param turns the newest first
 */
export function toConversation(turns: readonly ReadTurn[]): readonly ShownTurn[] {
  const shown: ShownTurn[] = [];
  for (const turn of turns.toReversed().flatMap(toShownTurn)) {
    const before = shown.at(-1);
    if (turn.prompt.length > 0) shown.push(turn);
    else if (before !== undefined) {
      const { sequence, endedAt } = turn;
      shown[shown.length - 1] = { ...before, sequence, endedAt, answer: [...before.answer, ...turn.answer] };
    }
  }
  let first = shown.length;
  for (let room = MAX_CHARS; first > 0; first -= 1) {
    room -= countAllChars(shown.slice(first - 1, first));
    if (room < 0 && first < shown.length) break;
  }
  return shown.slice(first);
}

function toShownTurn(turn: ReadTurn): readonly ShownTurn[] {
  const prompt = turn.prompt.flatMap(toShownBlock);
  const answer = turn.answer.flatMap((block) =>
    isJsonObject(block) && typeof block['text'] === 'string' && block['text'].trim() !== '' ? [block['text']] : [],
  );
  const end = describeEnd(turn);
  const texts = end === undefined ? answer : [...answer, end];
  return [
    {
      sequence: turn.sequence,
      id: turn.execution_id,
      startedAt: turn.created_at,
      endedAt: turn.ended_at ?? turn.created_at,
      prompt,
      answer: texts.length === 0 ? ['(no text)'] : texts,
    },
  ];
}

function describeEnd({ status, error }: ReadTurn): string | undefined {
  if (status === 'cancelled') return '(Interrupted.)';
  return status === 'failed' ? `(Failed: ${error ?? 'no reason is known'})` : undefined;
}

function toShownBlock(block: unknown): readonly ShownBlock[] {
  if (!isJsonObject(block)) return [];
  if (block['type'] !== 'file') return isShownBlock(block) ? [block] : [];
  return [{ type: 'text', text: `[${typeof block['name'] === 'string' ? block['name'] : 'file'}]` }];
}

function isShownBlock(block: unknown): block is ShownBlock {
  if (!isJsonObject(block)) return false;
  const { type, text, source } = block;
  return type === 'text' ? typeof text === 'string' : (type === 'image' || type === 'document') && isJsonObject(source);
}

function countAllChars(turns: readonly ShownTurn[]): number {
  return turns.reduce(
    (sum, { prompt, answer }) => sum + countChars(prompt) + answer.reduce((chars, text) => chars + text.length, 0),
    0,
  );
}

import type { HarnessEvent } from '../../domain/harness-event.js';
import { EVENT_TRAITS } from '../../domain/event-traits.js';
import { readPromptText, type Prompt } from '../../domain/prompt.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import type { Message } from '../../anthropic/stream-event.js';
import type { TurnState } from '../../storage/stores/turn.js';
import { toPlainOutput } from '../../translator/views/plain-output.js';

/** How many of the missed turns are told. */
export const MAX_TOLD_TURNS = 5;

/** How much of a message is told, in characters: it reminds of the turn, which the thread has whole. */
const MAX_PROMPT_CHARS = 200;
const MAX_ANSWER_CHARS = 400;

/** The block of the answer that tells of missed turns. Blocks of agents have other ids. */
const BLOCK_ID = 'chiron-meanwhile';

/** A turn that the caller of another one does not know. */
export interface MissedTurn {
  /** The kind of client that made it. */
  readonly caller: string;
  readonly state: TurnState;
  readonly said: Prompt;
  readonly message: Pick<Message, 'content'> | undefined;
}

/**
 * Tells the reader of an answer, in Markdown, what others did on the thread since its last one: a line for what each of them said, and one for the
 * answer. Empty for no turns.
 *
 * @param missed in order.
 * @param count how many there are; more than `missed` if the older ones are left out.
 */
export function renderMeanwhile(threadKey: string, missed: readonly MissedTurn[], count: number): string {
  if (missed.length === 0) return '';
  const omitted = count - missed.length;
  const lines = [
    ...(omitted === 0 ? [] : [`- (${omitted} earlier ${omitted === 1 ? 'turn' : 'turns'})`]),
    ...missed.flatMap((turn) => [
      `- **${nameCaller(turn.caller, threadKey)}:** ${toLine(readPromptText(turn.said), MAX_PROMPT_CHARS) || '(no text)'}`,
      `- **Agent:** ${describeAnswer(turn)}`,
    ]),
  ];
  return `Meanwhile on this thread:\n\n${lines.join('\n')}`;
}

function describeAnswer({ state, message }: MissedTurn): string {
  const text = (message?.content ?? []).findLast((block) => block.type === 'text' && block.text.trim() !== '');
  const line = text?.type === 'text' ? toLine(text.text, MAX_ANSWER_CHARS) : '';
  switch (state) {
    case 'queued':
    case 'running':
      return '(not ended yet)';
    case 'failed':
      return '(failed)';
    case 'cancelled':
      return line === '' ? '(interrupted)' : `${line} (interrupted)`;
    case 'completed':
      return line === '' ? '(no text)' : line;
    default:
      return state satisfies never;
  }
}

/** A thread of a chat has its platform's name in its key. */
function nameCaller(caller: string, threadKey: string): string {
  switch (caller) {
    case 'claude-code':
      return 'Claude Code';
    case 'codex':
      return 'Codex';
    case 'session': {
      const source = /^(slack|discord|teams|linear|github):/.exec(threadKey)?.[1];
      return source === undefined ? 'Another client' : `${source.charAt(0).toUpperCase()}${source.slice(1)}`;
    }
    default:
      return 'Another client';
  }
}

/** One line, also of a text with many. */
function toLine(text: string, maxChars: number): string {
  const line = toPlainOutput(truncateAtCodePoint(text.trim(), 4 * maxChars))
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= maxChars ? line : `${truncateAtCodePoint(line, maxChars)}…`;
}

/**
 * Makes a function that puts this text before the first content of a turn, as a block of its own. It is for the batches of one reader, in
 * order. A turn without content stays as it is, so that its failure is told as one.
 */
export function insertMeanwhile(text: string): (events: readonly HarnessEvent[]) => readonly HarnessEvent[] {
  let isDone = text === '';
  return (events) => {
    if (isDone) return events;
    const index = events.findIndex(({ type }) => EVENT_TRAITS[type].begins && EVENT_TRAITS[type].unit !== 'none');
    if (index === -1) return events;
    isDone = true;
    return [
      ...events.slice(0, index),
      { type: 'text-delta', id: BLOCK_ID, text },
      { type: 'block-end', id: BLOCK_ID },
      ...events.slice(index),
    ];
  };
}

import type { JsonObject } from '../../domain/harness-event.js';
import type { SeedBlock, SeedMessage } from '../../domain/seed/seed-message.js';
import { toSeedItems } from '../../harness/codex/seed/seed-items.js';
import type { ShownBlock, ShownTurn } from './conversation.js';

/** Where and as what a rollout is written. */
export interface RolloutPlace {
  /** A UUID. */
  readonly sessionId: string;
  /** The folder in which the client is started. */
  readonly cwd: string;
  /** The name of the provider in Codex's configuration. */
  readonly provider: string;
  /** When it is written, in ISO 8601. */
  readonly now: string;
  /** A line below the conversation, for the user only. */
  readonly note: string;
}

/** The version whose form this is. */
const VERSION = '0.169.0';

/**
 * Renders a conversation as the rollout of a session of Codex, which `codex resume` shows and goes on with: one JSON value a line. An item that is
 * for the model stands in it as `response_item`, and what the terminal shows as a completed item, which `history_mode` makes it read. What the
 * agent did is text, as in answers that a terminal got live, so that nothing is run again. [Codex 0.169.0]
 */
export function renderRollout(
  turns: readonly ShownTurn[],
  { sessionId, cwd, provider, now, note }: RolloutPlace,
): string {
  const lines: JsonObject[] = [];
  const add = (type: string, payload: JsonObject, timestamp: string): void => {
    lines.push({ timestamp, ordinal: lines.length, type, payload });
  };
  const meta = {
    session_id: sessionId,
    id: sessionId,
    timestamp: now,
    cwd,
    originator: 'codex-tui',
    cli_version: VERSION,
  };
  const more = { source: 'cli', thread_source: 'user', model_provider: provider, history_mode: 'paginated' };
  add('session_meta', { ...meta, ...more }, now);
  for (const turn of turns) addTurn(turn, sessionId, add);
  const end = turns.at(-1);
  if (end !== undefined) {
    const at = end.endedAt;
    const turn = `${end.id}-note`;
    add('event_msg', toTurnStart(turn, at), at);
    add('event_msg', toCompleted(toAgentItem(`msg_${turn}`, note, 'final_answer'), turn, sessionId, at), at);
    add('event_msg', toTurnEnd(turn, note, at, at), at);
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function addTurn(
  { id, startedAt, endedAt, prompt, answer }: ShownTurn,
  sessionId: string,
  add: (type: string, payload: JsonObject, timestamp: string) => void,
): void {
  add('event_msg', toTurnStart(id, startedAt), startedAt);
  add('response_item', toItem({ role: 'user', content: toModelPrompt(prompt) }), startedAt);
  const content = prompt.map((block) => ({ type: 'text', text: describe(block), text_elements: [] }));
  add(
    'event_msg',
    toCompleted({ type: 'UserMessage', id: `${id}-prompt`, content }, id, sessionId, startedAt),
    startedAt,
  );
  for (const [index, text] of answer.entries()) {
    const phase = index === answer.length - 1 ? 'final_answer' : 'commentary';
    const itemId = `msg_${id}_${index}`;
    add('event_msg', toCompleted(toAgentItem(itemId, text, phase), id, sessionId, endedAt), endedAt);
    add(
      'response_item',
      { ...toItem({ role: 'assistant', content: [{ type: 'text', text }] }), id: itemId, phase },
      endedAt,
    );
  }
  add('event_msg', toTurnEnd(id, answer.at(-1) ?? '', startedAt, endedAt), endedAt);
}

/** Codex has no documents in its messages. */
function toModelPrompt(prompt: readonly ShownBlock[]): readonly SeedBlock[] {
  const blocks = prompt.filter((block) => block.type !== 'document');
  return blocks.length > 0 ? blocks : [{ type: 'text', text: '[document]' }];
}

function describe(block: ShownBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'document':
      return `[${block.type}]`;
    default:
      return block satisfies never;
  }
}

function toItem(message: SeedMessage): JsonObject {
  const [item] = toSeedItems([message], '').items;
  if (item === undefined) throw new Error('unreachable: a message without an item');
  return item;
}

function toAgentItem(id: string, text: string, phase: string): JsonObject {
  return { type: 'AgentMessage', id, content: [{ type: 'Text', text }], phase };
}

function toCompleted(item: JsonObject, turnId: string, sessionId: string, at: string): JsonObject {
  const [started_at_ms, completed_at_ms] = [Date.parse(at), Date.parse(at)];
  return { type: 'item_completed', thread_id: sessionId, turn_id: turnId, item, started_at_ms, completed_at_ms };
}

function toTurnStart(turnId: string, at: string): JsonObject {
  const mode = { model_context_window: null, collaboration_mode_kind: 'default' };
  return { type: 'task_started', turn_id: turnId, started_at: toSeconds(at), ...mode };
}

function toTurnEnd(turnId: string, text: string, startedAt: string, endedAt: string): JsonObject {
  const [started_at, completed_at] = [toSeconds(startedAt), toSeconds(endedAt)];
  const duration_ms = Date.parse(endedAt) - Date.parse(startedAt);
  return { type: 'task_complete', turn_id: turnId, last_agent_message: text, started_at, completed_at, duration_ms };
}

function toSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

/** The path of a rollout below the home of Codex. Its name has the time in the zone of the user. [Codex 0.169.0] */
export function toRolloutPath(sessionId: string, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const [year, month, day] = [String(now.getFullYear()), two(now.getMonth() + 1), two(now.getDate())];
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('-');
  return `sessions/${year}/${month}/${day}/rollout-${year}-${month}-${day}T${time}-${sessionId}.jsonl`;
}

import type { JsonObject } from '../../domain/harness-event.js';
import { toSeedEntries, toSeedUuid } from '../../harness/claude-code/resume/seed-entries.js';
import type { ShownTurn } from './conversation.js';

/** Where and as what a transcript is written. */
export interface TranscriptPlace {
  /** A UUID. */
  readonly sessionId: string;
  /** The folder in which the client is started. */
  readonly cwd: string;
  /** The name that the list of sessions shows. */
  readonly title: string;
  /** A line below the conversation, for the user only. */
  readonly note: string;
}

/** The version whose form this is: Claude Code reads those of older ones. */
const VERSION = '2.1.330';

/**
 * The model of answers that no model of Claude Code has given. For any other name that it does not know, it says that the model could not be
 * restored. [Claude Code 2.1.330]
 */
const NO_MODEL = '<synthetic>';

/**
 * Renders a conversation as the transcript of a session of Claude Code, which `claude --resume` shows and goes on with: one JSON value a line,
 * chained by `parentUuid`. What the agent did is text, as in answers that a terminal got live, so that nothing is run or asked for again. A
 * `system` entry of the kind `away_summary` is shown and never sent. [Claude Code 2.1.330, 2.1.197]
 */
export function renderTranscript(
  turns: readonly ShownTurn[],
  { sessionId, cwd, title, note }: TranscriptPlace,
): string {
  const place = { userType: 'external', cwd, sessionId, version: VERSION };
  let parentUuid: string | null = null;
  const lines: JsonObject[] = [];
  const add = (entry: JsonObject, timestamp: string): void => {
    const uuid = toSeedUuid(sessionId, lines.length);
    lines.push({ parentUuid, isSidechain: false, ...entry, uuid, timestamp, ...place });
    parentUuid = uuid;
  };
  for (const { id, startedAt, endedAt, prompt, answer } of turns) {
    const content = answer.map((text) => ({ type: 'text', text }) as const);
    const seed = [
      { role: 'user', content: prompt },
      { role: 'assistant', content },
    ] as const;
    for (const entry of toSeedEntries(seed, `${sessionId}:${id}`))
      add(withoutModel(entry), entry['type'] === 'user' ? startedAt : endedAt);
  }
  const end = turns.at(-1);
  if (end !== undefined) add({ type: 'system', subtype: 'away_summary', content: note, isMeta: false }, end.endedAt);
  lines.push({ type: 'ai-title', aiTitle: title, sessionId });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function withoutModel(entry: JsonObject): JsonObject {
  const { message } = entry;
  if (entry['type'] !== 'assistant') return entry;
  return { ...entry, message: { ...(message as JsonObject), model: NO_MODEL } };
}

/** How long the name of a project's folder is at most, without the hash of its path. [Claude Code 2.1.330, 2.1.197] */
const MAX_PROJECT_NAME = 200;

/**
 * The name of the folder of a project: Claude Code replaces all but letters and digits of its path, and cuts a long one, with a hash of the path
 * behind. [Claude Code 2.1.330, 2.1.197]
 */
export function toProjectName(cwd: string): string {
  const name = cwd.replaceAll(/[^a-zA-Z0-9]/g, '-');
  if (name.length <= MAX_PROJECT_NAME) return name;
  let hash = 0;
  for (let index = 0; index < cwd.length; index += 1) hash = (Math.imul(hash, 31) + cwd.charCodeAt(index)) | 0;
  return `${name.slice(0, MAX_PROJECT_NAME)}-${Math.abs(hash).toString(36)}`;
}

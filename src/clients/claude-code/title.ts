import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { isJsonObject } from '../../domain/json.js';
import { toTitle } from '../../domain/title.js';
import type { ClientRequestBody } from '../client-profile.js';

/** Maximum length of a generated title. */
const MAX_TITLE_CHARS = 60;

/** Answers Claude Code's request for a session title with the session's first words; `undefined` for any other request. */
export function answerTitle({ messages, output_config: config }: ClientRequestBody): string | undefined {
  return wantsTitle(config?.['format'])
    ? JSON.stringify({ title: toTitle(readSession(messages), MAX_TITLE_CHARS) })
    : undefined;
}

/**
 * Whether `title` is the only property of the schema, as in Claude Code's request at a session's first message. A `/rename` of its
 * user requests `name` instead, and the agent answers it. [Claude Code 2.1.330]
 */
function wantsTitle(format: unknown): boolean {
  if (!isJsonObject(format) || format['type'] !== 'json_schema' || !isJsonObject(format['schema'])) return false;
  const { properties } = format['schema'];
  if (!isJsonObject(properties) || Object.keys(properties).length !== 1) return false;
  const { title } = properties;
  return isJsonObject(title) && title['type'] === 'string';
}

/** Takes the first words of the user's message, or of the `<session>` part of Claude Code's request if there is one. */
function readSession(messages: readonly unknown[]): string {
  const last = messages.findLast((message) => readRole(message) === 'user');
  const text = readTexts(readContent(last)).join('\n');
  const start = text.indexOf('<session>');
  const end = text.indexOf('</session>', start);
  return start === -1 || end === -1 ? text : text.slice(start + '<session>'.length, end);
}
